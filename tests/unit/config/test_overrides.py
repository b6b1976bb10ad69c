"""Other values for some fields: from code, and from texts of the command line."""

from typing import Annotated, ClassVar

import pytest

from jaxgan.config.overrides import changed, override
from jaxgan.config.section import (
  Count,
  OneOf,
  Positive,
  Section,
  Where,
  WholeNumber,
  allowed,
  field,
)
from jaxgan.errors import UserError

NAMES = {'one': 1, 'two': 2}


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
    ('on', 'true', True),
    ('on', 'False', False),
    ('on', '1', True),
  ],
)
def test_texts(name, text, value):
  found = override(Outer(), {name: text})
  for part in name.split('.'):
    found = getattr(found, part)
  assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
  ('changes', 'lengths'),
  [
    ({'steps': 3}, (3, None)),
    ({'epochs': 3}, (None, 3)),
    ({'steps': None}, (None, 2)),
    ({'steps': 3, 'epochs': 4}, (3, 4)),
  ],
)
def test_one_of_several_lengths_unsets_the_others(changes, lengths):
  own = changed(Outer(), {f'inner.{name}': value for name, value in changes.items()}).inner
  assert (own.steps, own.epochs) == lengths
  assert changed(Outer(), {'inner': Inner(steps=3)}).inner == Inner(steps=3)


def test_a_section_is_a_value():
  outer = Outer()
  assert changed(outer, {'name': 'two'}) != outer == Outer()
  assert changed(outer, {}) == outer and hash(Inner()) == hash(Inner())
  with pytest.raises(ValueError, match='frozen'):
    outer.name = 'two'


def test_names_of_a_registry_are_those_that_it_has_when_asked(monkeypatch):
  monkeypatch.setitem(NAMES, 'three', 3)
  assert changed(Outer(), {'name': 'three'}).name == 'three'


@pytest.mark.parametrize(
  ('name', 'value', 'line'),
  [
    ('nam', 'one', 'config.nam: there is no such field, did you mean config.name?'),
    ('inner.x', 1, 'config.inner.x: there is no such field; there are rate, steps, epochs'),
    ('inner.rate.x', 1, 'config.inner.rate.x: there is no such field, rate has none'),
    ('inner', 3, 'config.inner=3 is not possible: use fields, such as NAME.FIELD=VALUE'),
    ('inner.rate', 0.0, 'config.inner.rate=0.0 is not possible: use a number above 0'),
    (
      'inner.steps',
      'x',
      "config.inner.steps='x' is not possible: use a whole number above 0, or none",
    ),
    ('numbers', (1.0, -1), 'config.numbers=(1.0, -1) is not possible: use numbers above 0'),
    ('name', 'four', "config.name='four' is not possible: use one of one, two"),
    ('even', 3, 'config.even=3 is not possible: use an even number, or none'),
    ('on', 'maybe', "config.on='maybe' is not possible: use true or false"),
    ('path', 3, 'config.path=3 is not possible: use a text, or none'),
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
  assert words == {'whole': 'a whole number, 0 or more', 'many': 'some of one, two'}
