"""The ablation of regularisers: each alone, compared with the same method without it."""

import pytest

from experiments import fashion_stability
from jaxgan.algorithms import regularisers
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved


@pytest.mark.parametrize('switch', [name for name in fashion_stability.SWITCHES if name != 'none'])
def test_one_switch_is_all_that_differs_from_its_baseline(switch):
  config = fashion_stability.get_config(f'switch={switch}')
  rules.check_sections(resolved(config), num_devices=1)
  name = {'r1_r2_r3gan': 'r1_r2'}.get(switch, switch)
  assert regularisers.switched_on(config.algorithm) == (name,)
  assert config.workdir == f'runs/fashion_stability_{switch}'
  (method,) = config.methods
  assert method == ('cgan' if switch == 'gsr' else 'class_balancing')
  baseline = fashion_stability.get_config(f'method={method}')
  assert regularisers.switched_on(baseline.algorithm) == ()
  assert baseline.workdir == 'runs/fashion_stability_none'
  off = {f'algorithm.{f}': getattr(baseline.algorithm, f) for f in regularisers.SWITCHES[name]}
  assert changed(config, {'workdir': baseline.workdir, **off}) == baseline


def test_gamma_of_r3gan_is_that_of_its_cifar10():
  algorithm = fashion_stability.get_config('switch=r1_r2_r3gan').algorithm
  assert (algorithm.r1_r2_weight, algorithm.r1_r2_end_weight) == (0.05, 0.005)


def test_every_switch_has_a_row():
  assert set(fashion_stability.SWITCHES) == {'none', 'r1_r2_r3gan', *regularisers.SWITCHES}
  with pytest.raises(UserError, match=r'switch=none\|r1_r2\|.*method=default'):
    fashion_stability.get_config('switch=ada')
