"""Spans: whole numbers and fractions of the run."""

import pytest

from jaxgan.algorithms.classifier import ClassifierConfig, classifier
from jaxgan.algorithms.gan_methods import GanConfig
from jaxgan.config import section, spans
from jaxgan.config.overrides import override
from jaxgan.errors import UserError


@pytest.mark.parametrize(
  ('value', 'length', 'number'),
  [
    (0.2, 2000, 400),
    (1 / 30, 3000, 100),
    (1 / 6, 3000, 500),
    (2 / 15, 15, 2),
    (0.9, 15, 14),
    # From 1 on, and within the run.
    (0.02, 10, 1),
    (0.9, 5, 4),
    (0.9999, 2000, 1999),
    (0.8, 1, 1),
    (0.8, 2.5, 2),
    # Whole numbers stay.
    (0, 10, 0),
    (400, 10, 400),
    (None, 10, None),
    ((0.8, 0.9), 20, (16, 18)),
    ((0.5, 18), 20, (10, 18)),
  ],
)
def test_fractions_become_whole_numbers(value, length, number):
  found = spans.whole(value, length)
  assert (found, type(found)) == (number, type(number))


def test_a_section_keeps_numbers_of_an_earlier_start():
  config = GanConfig(ema_start=0.2, count_cycle=0.02)
  whole, fractions = spans.resolved(config, {'steps': 2000})
  assert (whole.ema_start, whole.count_cycle) == (400, 40)
  assert fractions == {'ema_start': 0.2, 'count_cycle': 0.02}
  whole, _ = spans.resolved(config, {'steps': 4000}, {'ema_start': 400})
  assert (whole.ema_start, whole.count_cycle) == (400, 80)
  unchanged = GanConfig(ema_start=400)
  assert spans.resolved(unchanged, {'steps': 4000}) == (unchanged, {})


@pytest.mark.parametrize(
  ('text', 'value'), [('400', 400), ('400.0', 400), ('0.2', 0.2), ('0', 0), ('0.0', 0)]
)
def test_a_span_on_the_command_line(text, value):
  found = override(GanConfig(), {'ema_start': text}).ema_start
  assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize('text', ['-1', '1.5', '20%', '-0.2', 'None', 'nan'])
def test_a_refused_span(text):
  line = r'config.ema_start=.*: expected a whole number of steps or a fraction of the run in \(0, 1'
  with pytest.raises(UserError, match=line):
    override(GanConfig(), {'ema_start': text})
  with pytest.raises(UserError, match='whole number of steps, 1 or more, or a fraction'):
    override(GanConfig(), {'count_cycle': '0'})


def test_epochs_of_a_decay_may_lie_between_whole_numbers():
  assert ClassifierConfig(decay_epochs=(8, 9.5)).decay_epochs == (8, 9.5)
  with pytest.raises(UserError, match=r'drw_epoch=2.5: expected a whole number of epochs or a'):
    override(ClassifierConfig(), {'drw_epoch': '2.5'})


def test_no_algorithm_is_built_from_a_fraction():
  with pytest.raises(ValueError, match=r"'drw_epoch': 0.8.*spans.resolved"):
    classifier(ClassifierConfig(depth=8, drw_epoch=0.8), (8, 8, 1), 2, 10)


def test_all_spans_are_known():
  found = {name: span.unit for name, span in spans.spans(ClassifierConfig()).items()}
  assert found == dict.fromkeys(('warmup_epochs', 'decay_epochs', 'drw_epoch'), 'epochs')
  assert set(spans.spans(GanConfig())) == {'ema_start', 'count_cycle', 'r1_r2_steps'}
  assert section.span_of(GanConfig.model_fields['noise_dim']) is None
