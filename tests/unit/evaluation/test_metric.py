"""Metrics: one table defines measurement, record and comparison."""

import types

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.evaluation import metric, verdicts
from jaxgan.evaluation.metric import HIGHER, LOWER, Metric
from jaxgan.training.logging import finite
from tests.support import brightness as brightness_lib
from tests.support.evaluations import CLASS_BALANCE, report, save

SEEN = types.SimpleNamespace(
  has={'classes'}, networks=('a', 'b'), value=np.float32(2.0), values=np.array([1.0, np.nan])
)


def _table(*metrics):
  return {one.name: one for one in metrics}


def test_values_are_what_json_can_hold():
  table = _table(
    Metric('number', lambda seen: seen.value),
    Metric('list', lambda seen: seen.values, axes=('classes',)),
    Metric('none', lambda seen: float('inf')),
    Metric('counted', lambda seen: [np.int64(3), None]),
  )
  measured = metric.measure(table, SEEN)
  assert measured['none'] == float('inf')  # A log tells it from what was not measured.
  found = {name: finite(value) for name, value in measured.items()}
  assert found == {'number': 2.0, 'list': [1.0, None], 'none': None, 'counted': [3, None]}
  assert [type(value) for value in found['counted']] == [int, type(None)]


def test_what_is_not_seen_is_not_measured():
  fail = lambda *_: pytest.fail('measured')  # noqa: E731
  table = _table(
    Metric('classes', lambda seen: 1, needs=frozenset({'classes'})),
    Metric('codes', fail, needs=frozenset({'codes'})),
    Metric('each', lambda seen, network: f'in {network}' and 2, per_network=True),
    Metric('kept', fail, per_network=True, needs=frozenset({'features'})),
  )
  assert metric.measure(table, SEEN) == {'classes': 1, 'codes': None, 'each/a': 2, 'each/b': 2}
  assert metric.needs(table) == {'classes', 'codes', 'features'}


def test_training_measures_only_what_is_cheap():
  table = _table(
    Metric('often', lambda seen: 1, periodic=True, needs=frozenset({'classes'})),
    Metric('once', lambda seen: pytest.fail('measured'), needs=frozenset({'features'})),
  )
  assert metric.measure(table, SEEN, periodic=True) == {'often': 1}
  assert metric.needs(table, periodic=True) == {'classes'}


@pytest.mark.parametrize(
  ('value', 'axes', 'is_one'),
  [
    (1.0, (), True),
    ([1.0], (), False),
    ([1.0, None], ('classes',), True),
    ([1.0], ('classes',), False),
    (2.0, ('classes',), False),
    (None, ('classes',), False),
    ([[1, 2, 3], [4, 5, 6]], ('classes', 'codes'), True),
    ([[1, 2], [4, 5]], ('classes', 'codes'), False),
    ([1.0, 2.0], ('other',), True),
  ],
)
def test_a_result_has_the_axes_of_its_metric(value, axes, is_one):
  names = {'classes': ('a', 'b'), 'codes': ('x', 'y', 'z')}
  labels = {kind: types.SimpleNamespace(names=own) for kind, own in names.items()}
  record = types.SimpleNamespace(labels=labels, results={'m/net': value, 'unknown': 'x'})
  table = _table(Metric('m', None, axes=axes, per_network=True))
  if is_one or value is None:  # What is not defined or was not measured is no damage.
    metric.check(table, record)
  else:
    with pytest.raises(ValueError, match='results'):
      metric.check(table, record)


@pytest.fixture
def brightness():
  with brightness_lib.registered() as one:
    yield one


def test_a_name_is_taken_once(brightness):
  with pytest.raises(UserError, match="metric 'brightness' is registered already, by tests"):
    metric.GENERATED.register('brightness', brightness)


def test_a_metric_from_outside_is_tabulated_and_compared(tmp_path, brightness):
  del brightness
  for seed in range(3):
    for method, value in (('unconditional', 0.2), ('class_balancing', 0.4)):
      values = {'brightness': value + 0.01 * seed}
      folder = tmp_path / f'{method}_{seed}'
      save(folder, CLASS_BALANCE, values, {'seed': seed}, method=method, published=None)
  assert list(verdicts.scores())[-1] == 'brightness'
  text = report([tmp_path])
  assert '**Other metrics**' in text
  assert 'brightness: mean of the first images' in text
  assert '| cifar10_lt_ratio_100 | class_balancing | 0.410 ± 0.010 (3) |' in text
  (line,) = (line for line in text.splitlines() if '| class_balancing | unconditional |' in line)
  assert 'better [0.200, 0.200]' in line


def test_better_is_known_of_what_is_compared():
  assert {name: one.better for name, one in verdicts.scores().items()} == {
    'kl_from_uniform': LOWER, 'fid': LOWER, 'frechet_annotator': LOWER, 'cas': HIGHER,
    'code_kl_from_uniform': LOWER, 'frechet_recogniser': LOWER,
  }  # fmt: skip
