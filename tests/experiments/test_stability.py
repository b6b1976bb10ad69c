"""The ablation: every switch alone, each beside the same method without it."""

import pytest

from experiments import fashion_stability
from jaxgan import config as config_lib
from jaxgan.algorithms import stability
from jaxgan.errors import UserError


@pytest.mark.parametrize('switch', stability.SWITCHES)
def test_one_switch_is_all_that_differs_from_its_baseline(switch):
  config = fashion_stability.get_config(f'switch={switch}')
  config_lib.validate(config, num_devices=1)
  assert stability.switched_on(config.algorithm) == (switch,)
  assert config.workdir == f'runs/fashion_stability_{switch}'
  (method,) = config.methods
  assert method == ('cgan' if switch == 'gsr' else 'class_balancing')
  baseline = fashion_stability.get_config(f'method={method}')
  assert stability.switched_on(baseline.algorithm) == ()
  assert baseline.workdir == 'runs/fashion_stability_none'
  for field in stability.SWITCHES[switch]:
    config.algorithm[field] = baseline.algorithm[field]
  config.workdir = baseline.workdir
  assert config.to_json() == baseline.to_json()


def test_every_switch_has_a_row():
  assert set(fashion_stability.SWITCHES) == {'none', *stability.SWITCHES}
  with pytest.raises(UserError, match=r'switch=none\|r1_r2\|.*method=default'):
    fashion_stability.get_config('switch=ada')
