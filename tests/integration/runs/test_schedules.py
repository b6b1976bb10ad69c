"""A run whose schedules are fractions: continued with more steps, and against whole numbers."""

import json

import jax
import numpy as np
import pytest

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import execute, schedules

pytestmark = pytest.mark.usefixtures('stand_in_data')
_FRACTIONS = {'algorithm.ema_start': 0.5, 'algorithm.count_cycle': 0.5}
_METHOD = 'class_balancing'


def _train(config, workdir, capsys, steps):
  """Trains without scores; returns (what was printed, the states of the last checkpoint)."""
  config = changed(config, {'train.steps': steps, 'evaluation.cas': False})
  made = execute.start(config, workdir, [_METHOD], show_data=True)
  execute.train_method(made, _METHOD)
  return capsys.readouterr().out, made.restore(_METHOD, 'latest')


@pytest.mark.slow
def test_a_continued_run_keeps_its_schedule_bit_by_bit(tiny_config, tmp_path, capsys):
  fractions = changed(tiny_config, _FRACTIONS)
  _train(fractions, tmp_path / 'run', capsys, steps=4)
  printed, (step, states) = _train(fractions, tmp_path / 'run', capsys, steps=8)
  assert step == 8
  assert 'config.algorithm.ema_start stays at 2: 50 % of the length at the first start' in printed
  stored = json.loads((tmp_path / 'run' / _METHOD / 'config.json').read_text())
  assert (stored['algorithm']['ema_start'], stored['algorithm']['count_cycle']) == (2, 2)
  assert stored['fractions'] == _FRACTIONS

  # The same in one run, with the whole numbers.
  assert (tiny_config.algorithm.ema_start, tiny_config.algorithm.count_cycle) == (2, 2)
  printed, (_, expected) = _train(tiny_config, tmp_path / 'whole', capsys, steps=8)
  assert 'stays at' not in printed
  jax.tree.map(np.testing.assert_array_equal, _arrays(states), _arrays(expected))

  other = changed(fractions, {'algorithm.ema_start': 0.25, 'train.steps': 16})
  with pytest.raises(UserError, match=r'another config \(algorithm.ema_start was 2, is 4\)'):
    execute.start(other, tmp_path / 'run', [_METHOD])


@pytest.mark.slow
def test_an_evaluation_reads_the_numbers_of_the_run(tiny_config, tmp_path, capsys):
  fractions = changed(tiny_config, _FRACTIONS)
  _train(fractions, tmp_path, capsys, steps=4)
  facts = execute.start(changed(fractions, {'train.steps': 12}), tmp_path, [_METHOD])
  assert facts.config.algorithm.count_cycle == 2
  assert schedules.fixed(facts.config) is facts.config


def _arrays(states):
  return [np.asarray(leaf) for leaf in jax.tree.leaves(states)]
