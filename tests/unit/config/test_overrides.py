"""Changed copies of a configuration, from Python values and command-line arguments."""

from typing import Annotated, ClassVar

from hypothesis import example, given
from hypothesis import strategies as st
import pytest

from jaxgan.algorithms.gan_methods import GanConfig
from jaxgan.config.overrides import changed, override
from jaxgan.config.section import (
  Count,
  NamedIn,
  OneOf,
  Positive,
  Section,
  Where,
  WholeNumber,
  allowed,
  field,
  registered_by,
)
from jaxgan.errors import UserError
from jaxgan.runs import documentation
from jaxgan.system.registry import Registry
from tests.support.config.sections import fields_of
from tests.support.experiment_names import EXPERIMENTS, module

NAMES = Registry('name', {'one': 1, 'two': 2})


class Inner(Section):
  alternatives: ClassVar = ('steps', 'epochs')

  rate: Positive = field(0.5, 'a rate')
  steps: Count | None = field(None, 'number of steps')
  epochs: Count | None = field(2, 'or of epochs')


class Outer(Section):
  inner: Inner = field(Inner(), 'a section')
  absent: Inner | None = field(None, 'a section')
  numbers: tuple[Positive, ...] = field((1.0,), 'some numbers')
  names: tuple[str, ...] | None = field(None, 'some names')
  name: Annotated[str, OneOf(NAMES)] = field('one', 'a name')
  path: str | None = field(None, 'a path')
  even: Annotated[int, Where(lambda n: n % 2 == 0, 'an even number')] | None = field(2, 'a number')
  on: bool = field(False, 'a switch')


@pytest.mark.parametrize(
  ('name', 'text', 'value'),
  [
    ('inner.rate', '1e-3', 1e-3),
    ('inner.rate', '3', 3.0),
    ('inner.steps', '100', 100),
    ('inner.steps', '1e3', 1000),
    ('inner.epochs', '5', 5),
    ('absent.steps', '5', 5),
    ('numbers', '(1,2.5)', (1.0, 2.5)),
    ('numbers', '4', (4.0,)),
    ('names', 'acgan', ('acgan',)),
    ('names', "('a','b')", ('a', 'b')),
    ('names', 'None', None),
    ('path', '100', '100'),
    ('path', '007', '007'),
    ('path', 'a=b,c', 'a=b,c'),
    ('path', '', ''),
    ('path', 'None', None),
    ('even', 'None', None),
    ('even', 'none', None),
    ('path', 'none', 'none'),
    ('on', 'true', True),
    ('on', 'False', False),
    ('on', '1', True),
  ],
)
def test_override_parses_text(name, text, value):
  found = override(Outer(), {name: text})
  for part in name.split('.'):
    found = getattr(found, part)
  assert (found, type(found)) == (value, type(value))


POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
COUNTS = st.integers(1)
OUTERS = st.builds(
  Outer,
  inner=st.builds(Inner, rate=POSITIVE, steps=st.none() | COUNTS, epochs=st.none() | COUNTS),
  numbers=st.lists(POSITIVE, max_size=3).map(tuple),
  names=st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple),
  name=st.sampled_from(sorted(NAMES)),
  path=st.none() | st.text().filter(lambda path: path != 'None'),
  even=st.none() | st.integers().map(lambda n: 2 * n),
  on=st.booleans(),
)


@given(OUTERS)
def test_a_printed_value_parses_to_the_same_value(outer):
  printed = {name: str(value) for name, value in fields_of(outer) if name != 'absent'}
  assert override(Outer(), printed) == outer


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_printed_values_of_an_experiment_parse_to_the_same_values(name):
  config = module(name).get_config()
  for field_name, value in fields_of(config):
    assert override(config, {field_name: str(value)}) == config, field_name


TEXTS = st.text() | st.text('()[]{},:\'"0123456789.-+eNonTrue\\ ', max_size=8)


@given(st.sampled_from([name for name, _ in fields_of(Outer())]), TEXTS)
@example('inner.rate', '{[]}')
@example('even', '9' * 5000)
@example('names', '\udcff')
@example('numbers', '-' * 5000 + '1')
def test_override_accepts_any_text_or_refuses_it_in_one_line(name, text):
  refusal = ''
  try:
    override(Outer(), {name: text})
  except UserError as error:
    refusal = str(error)
  assert refusal == '' or refusal.startswith(f'config.{name}')
  assert len(refusal.splitlines()) <= 1


@pytest.mark.parametrize(
  ('changes', 'lengths'),
  [
    ({'steps': 3}, (3, None)),
    ({'epochs': 3}, (None, 3)),
    ({'steps': None}, (None, 2)),
    ({'steps': 3, 'epochs': 4}, (3, 4)),
  ],
)
def test_setting_one_length_unsets_the_others(changes, lengths):
  own = changed(Outer(), {f'inner.{name}': value for name, value in changes.items()}).inner
  assert (own.steps, own.epochs) == lengths
  assert changed(Outer(), {'inner': Inner(steps=3)}).inner == Inner(steps=3)


def test_a_section_is_immutable_and_hashable():
  outer = Outer()
  assert changed(outer, {'name': 'two'}) != outer == Outer()
  assert changed(outer, {}) == outer
  assert hash(Inner()) == hash(Inner())
  with pytest.raises(ValueError, match='frozen'):
    outer.name = 'two'


def test_a_name_registered_later_is_accepted_and_documented():
  names = Registry('name', {'one': 1})

  class Chosen(Section):
    """A section."""

    name: Annotated[str, OneOf(names)] = field('one', 'a name')
    inner: Annotated[str, NamedIn(names)] | None = field(None, 'NAME/CONFIG')

  assert registered_by(Chosen()) == set()
  names.register('three', 3)
  assert changed(Chosen(), {'name': 'three'}).name == 'three'
  assert registered_by(Chosen(name='three')) == registered_by(Chosen(inner='three/a')) == {__name__}
  assert '| one of one, three |' in documentation.text({'Chosen': Chosen})


def test_a_renamed_field_is_refused_with_its_current_name():
  line = 'config.regulariser_weights: .* it was renamed to config.class_weighting$'
  with pytest.raises(UserError, match=line):
    override(GanConfig(), {'regulariser_weights': 'paper'})


@pytest.mark.parametrize(
  ('name', 'value', 'line'),
  [
    ('nam', 'one', 'config.nam: there is no such field, did you mean config.name?'),
    ('inner.x', 1, 'config.inner.x: there is no such field; there are rate, steps, epochs'),
    ('inner.rate.x', 1, 'config.inner.rate.x: there is no such field, rate has none'),
    (
      'inner',
      3,
      'config.inner=3: expected a section, set field by field (NAME.FIELD=VALUE).',
    ),
    (
      'inner.rate',
      0.0,
      'config.inner.rate=0.0: expected a positive number, for example 0.5.',
    ),
    ('inner.steps', 'x', "config.inner.steps='x': expected a positive integer or none."),
    (
      'numbers',
      (1.0, -1),
      'config.numbers=(1.0, -1): expected positive numbers, for example (1.0,).',
    ),
    ('name', 'four', "config.name='four': expected one of one, two."),
    ('even', 3, 'config.even=3: expected an even number or none.'),
    ('on', 'maybe', "config.on='maybe': expected True or False."),
    ('path', 3, 'config.path=3: expected a string or none.'),
  ],
)
def test_refusals(name, value, line):
  with pytest.raises(UserError) as error:
    changed(Outer(), {name: value})
  assert str(error.value) == line


def test_ranges_in_words():
  class Ranges(Section):
    whole: WholeNumber = field(0, '')
    many: tuple[Annotated[str, OneOf(NAMES)], ...] = field((), '')

  words = {name: allowed(info) for name, info in Ranges.model_fields.items()}
  assert words == {'whole': 'a non-negative integer', 'many': 'some of one, two'}
