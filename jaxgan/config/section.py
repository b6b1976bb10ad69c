"""Sections of a configuration: frozen values; each field has a type, a default and a meaning."""

from collections.abc import Callable, Collection, Mapping
import difflib
import types
import typing
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar, Union

import annotated_types
import pydantic
from pydantic_core import PydanticCustomError, core_schema

from jaxgan.errors import UserError
from jaxgan.system.registry import Registry

# Fields by their earlier names. Older files are read; the command line refuses the earlier name.
RENAMED = {'regulariser_weights': 'class_weighting'}


class Section(pydantic.BaseModel, frozen=True, extra='forbid', allow_inf_nan=False):
  """Fields that belong together; immutable. `overrides.changed` makes another one."""

  alternatives: typing.ClassVar[tuple[str, ...]] = ()  # Fields of which giving one unsets the rest.


S = TypeVar('S', bound=Section)


class Where(NamedTuple):
  """A condition on a value, for `Annotated`, and in words what it allows."""

  condition: Callable
  allowed: str

  def __get_pydantic_core_schema__(self, source, handler):
    def check(value):
      if not self.condition(value):
        raise PydanticCustomError('not_allowed', 'not allowed')
      return value

    return core_schema.no_info_after_validator_function(check, handler(source))


class OneOf(NamedTuple):
  """One of some names, for `Annotated`; a registry is read anew at each check."""

  names: Collection[str]

  @property
  def allowed(self) -> str:
    """The names in words."""
    return f'one of {", ".join(self.names)}'

  def __get_pydantic_core_schema__(self, source, handler):
    return Where(lambda name: name in self.names, '').__get_pydantic_core_schema__(source, handler)


class NamedIn(NamedTuple):
  """The registry of the NAME in a text NAME or NAME/CONFIG, for `Annotated`."""

  names: Registry


Count = Annotated[int, annotated_types.Gt(0)]
Several = Annotated[int, annotated_types.Ge(2)]
WholeNumber = Annotated[int, annotated_types.Ge(0)]
Positive = Annotated[float, annotated_types.Gt(0)]
NotNegative = Annotated[float, annotated_types.Ge(0)]
Decay = Annotated[float, annotated_types.Ge(0), annotated_types.Lt(1)]
Fraction = Annotated[float, annotated_types.Gt(0), annotated_types.Le(1)]
Dtype = Annotated[str, OneOf(('float32', 'bfloat16'))]  # Of computation.


def field(default, meaning: str, *, free: bool = False) -> Any:
  """A field of a section.

  Args:
    default: its value where none is given; `...` for a field that must be given.
    meaning: in one line.
    free: another value at the next start does not make it another run.
  """
  return pydantic.Field(default, description=meaning, json_schema_extra={'free': free})


def is_free(info) -> bool:
  """Whether a field may change between two starts of a run."""
  return bool(info.json_schema_extra and info.json_schema_extra['free'])


def refuse(name: str, allowed: str) -> NoReturn:
  """Refuses a field's value in a validator of fields that belong together."""
  raise PydanticCustomError('refused', 'not allowed', {'field': name, 'allowed': allowed})


def split(annotation) -> tuple[Any, tuple]:
  """A type without its annotations, and these: of `Count` int and (Gt(gt=0),)."""
  is_annotated = typing.get_origin(annotation) is Annotated
  kind, *marks = typing.get_args(annotation) if is_annotated else (annotation,)
  return kind, tuple(marks)


def kinds(annotation) -> list[tuple[Any, tuple]]:
  """The types that a value may have, each as of `split`: of `Count | None` two."""
  is_union = typing.get_origin(annotation) in (Union, types.UnionType)
  return [split(part) for part in (typing.get_args(annotation) if is_union else (annotation,))]


def inner(info) -> type[Section] | None:
  """The section that a field holds, if it holds one."""
  for kind, _ in kinds(info.annotation):
    if isinstance(kind, type) and issubclass(kind, Section):
      return kind
  return None


def registered_by(section: Section) -> set[str]:
  """The modules outside of jaxgan that registered entries which a section's fields name."""
  found = set()
  for name, info in type(section).model_fields.items():
    value = getattr(section, name)
    if isinstance(value, Section):
      found |= registered_by(value)
    for mark in (*info.metadata, *(m for _, marks in kinds(info.annotation) for m in marks)):
      if isinstance(mark, OneOf | NamedIn) and isinstance(mark.names, Registry) and value:
        found |= mark.names.registered_by(value.partition('/')[0])
  return found


def allowed(info) -> str:
  """What a field may be, in words, such as 'a whole number above 0, or none'."""
  found = kinds(info.annotation)
  named = [part for part in found if part != (types.NoneType, ())]
  words = dict.fromkeys(_in_words(kind, (*marks, *info.metadata)) for kind, marks in named)
  return ' or '.join(words) + (', or none' if len(named) < len(found) else '')


_NAMES = {
  int: 'a whole number',
  float: 'a number',
  bool: 'true or false',
  str: 'a text',
  dict[str, str]: 'a text for each name',
}
_PLURALS = {
  'a whole number': 'whole numbers', 'a number': 'numbers', 'a text': 'texts', 'one of': 'some of'
}  # fmt: skip


def _in_words(kind, marks) -> str:
  said = [mark.allowed for mark in marks if isinstance(mark, Where | OneOf)]
  if said:
    return ', '.join(said)
  if typing.get_origin(kind) is tuple:
    words = _in_words(*split(typing.get_args(kind)[0]))
    for one, several in _PLURALS.items():
      words = words.replace(one, several)
    return words
  kind = float if float in typing.get_args(kind) else kind
  return _NAMES.get(kind, 'fields, such as NAME.FIELD=VALUE') + _range(marks)


def _range(marks) -> str:
  limits = {type(mark).__name__: mark for mark in marks}
  low = getattr(limits.get('Gt'), 'gt', getattr(limits.get('Ge'), 'ge', None))
  high = getattr(limits.get('Lt'), 'lt', getattr(limits.get('Le'), 'le', None))
  if low is not None and high is not None:
    return f' in {"(" if "Gt" in limits else "["}{low}, {high}{")" if "Lt" in limits else "]"}'
  if low is not None:
    return f' above {low}' if 'Gt' in limits else f', {low} or more'
  return ''


def checked(section: type[S], content: Mapping, name: str = 'config', **options) -> S:
  """A section of some values.

  Args:
    section: its class.
    content: the values, sections as nested mappings.
    name: what messages call it.
    **options: of `pydantic.BaseModel.model_validate`.

  Raises:
    UserError: a value that is not allowed; names the field, the value and what is allowed.
  """
  try:
    return section.model_validate(content, **options)
  except pydantic.ValidationError as error:
    first = error.errors(include_url=False)[0]
    raise UserError(_in_a_line(first, section, content, name)) from error


def _in_a_line(error, section, content, name) -> str:
  context, value, found = error.get('ctx', {}), content, None
  location = [*error['loc'], *([context['field']] if 'field' in context else [])]
  for part in location:
    known = section.model_fields if section else {}
    if section and part not in known:
      return f'{name}.{part}: there is no such field{_nearest(part, known, name)}'
    if not section:
      break
    found, section, name = known[part], inner(known[part]), f'{name}.{part}'
    value = value.get(part, _MISSING) if isinstance(value, Mapping) else getattr(value, part)
  if found is None:
    return f'{name}={value!r} is not possible: use the fields of a configuration'
  may_be = context.get('allowed') or allowed(found)
  if value is _MISSING:
    return f'{name} is missing: use {may_be}'
  return f'{name}={value!r} is not possible: use {may_be}'


_MISSING = object()


def _nearest(part, known, name) -> str:
  if RENAMED.get(part) in known:
    return f', it is called {name}.{RENAMED[part]} now'
  near = difflib.get_close_matches(str(part), known, n=1)
  return f', did you mean {name}.{near[0]}?' if near else f'; there are {", ".join(known)}'
