"""Sections of a configuration: immutable; each field has a type, a default and a meaning."""

from collections.abc import Callable, Collection, Mapping
import difflib
import re
import types
import typing
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar, Union

import annotated_types
import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, core_schema

from jaxgan.errors import UserError
from jaxgan.system.registry import Registry

# Fields by their earlier names. Older files are read; the command line refuses the earlier name.
RENAMED = {'regulariser_weights': 'class_weighting'}


class Section(pydantic.BaseModel):
  """An immutable group of fields; `overrides.changed` makes a changed copy."""

  model_config = pydantic.ConfigDict(frozen=True, extra='forbid', allow_inf_nan=False)

  alternatives: typing.ClassVar[
    tuple[str, ...]
  ] = ()  # Setting one of these fields unsets the rest.


S = TypeVar('S', bound=Section)


class Where(NamedTuple):
  """A condition on a value, for `Annotated`, with the allowed values in words."""

  condition: Callable[[Any], Any]
  allowed: str

  def __get_pydantic_core_schema__(self, source, handler):
    """Adds the condition to the validation of the field."""

    def check(value):
      if not self.condition(value):
        raise PydanticCustomError('not_allowed', 'not allowed')
      return value

    return core_schema.no_info_after_validator_function(check, handler(source))


class OneOf(NamedTuple):
  """A choice among names, for `Annotated`; a registry may grow between two checks."""

  names: Collection[str]

  @property
  def allowed(self) -> str:
    """The names in words."""
    return f'one of {", ".join(self.names)}'

  def __get_pydantic_core_schema__(self, source, handler):
    """Adds the choice to the validation of the field."""
    return Where(lambda name: name in self.names, '').__get_pydantic_core_schema__(source, handler)


class Span(NamedTuple):
  """A length of a schedule, for `Annotated`: a whole number, or a fraction of the run.

  `jaxgan.config.spans` replaces fractions before an algorithm is built.

  Attributes:
    unit: 'steps' or 'epochs'.
    least: the smallest whole number.
    only_whole: whether 2.5 is refused.
  """

  unit: str
  least: int = 0
  only_whole: bool = True

  @property
  def allowed(self) -> str:
    """The values in words."""
    least = f', {self.least} or more,' if self.least else ''
    return f'a whole number of {self.unit}{least} or a fraction of the run in (0, 1)'

  def __get_pydantic_core_schema__(self, source, handler):
    """Adds the range to the validation of the field; 400.0 becomes 400."""

    def check(value):
      if value == int(value):
        value = int(value)
      is_whole = isinstance(value, int) or not self.only_whole
      if not (0 < value < 1 or (is_whole and value >= self.least)):
        raise PydanticCustomError('not_allowed', 'not allowed')
      return value

    return core_schema.no_info_after_validator_function(check, handler(source))


class NamedIn(NamedTuple):
  """The registry that NAME is looked up in, for `Annotated` strings NAME or NAME/CONFIG."""

  names: Registry


Count = Annotated[int, annotated_types.Gt(0)]
Several = Annotated[int, annotated_types.Ge(2)]
WholeNumber = Annotated[int, annotated_types.Ge(0)]
Positive = Annotated[float, annotated_types.Gt(0)]
NotNegative = Annotated[float, annotated_types.Ge(0)]
Steps = Annotated[int | float, Span('steps')]
PositiveSteps = Annotated[int | float, Span('steps', least=1)]
Epochs = Annotated[int | float, Span('epochs')]
Decay = Annotated[float, annotated_types.Ge(0), annotated_types.Lt(1)]
Fraction = Annotated[float, annotated_types.Gt(0), annotated_types.Le(1)]
Dtype = Annotated[str, OneOf(('float32', 'bfloat16'))]  # For computation.


def field(default: Any, meaning: str, *, free: bool = False, example: Any = None) -> Any:
  """Declares a field of a section.

  Args:
    default: the value where none is given; `...` makes the field mandatory.
    meaning: one line for the documentation.
    free: a folder's run may continue with another value.
    example: shown in error messages; by default the default.
  """
  examples = None if example is None else [example]
  extra: dict[str, Any] = {'free': free}
  return pydantic.Field(default, description=meaning, json_schema_extra=extra, examples=examples)


def is_free(info: FieldInfo) -> bool:
  """Whether a run may continue with another value of a field."""
  extra = info.json_schema_extra
  return isinstance(extra, dict) and bool(extra['free'])


def refuse(name: str, allowed: str) -> NoReturn:
  """Rejects the value of a field, from a validator that compares several fields.

  Args:
    name: the field.
    allowed: the values that it may have, to follow "expected".
  """
  raise PydanticCustomError('refused', 'not allowed', {'field': name, 'allowed': allowed})


def split(annotation: Any) -> tuple[Any, tuple]:
  """Splits an annotated type into type and annotations: `Count` into int and (Gt(gt=0),)."""
  is_annotated = typing.get_origin(annotation) is Annotated
  kind, *marks = typing.get_args(annotation) if is_annotated else (annotation,)
  return kind, tuple(marks)


def kinds(annotation: Any) -> list[tuple[Any, tuple]]:
  """The members of a union, each as `split` returns it: two for `Count | None`."""
  is_union = typing.get_origin(annotation) in (Union, types.UnionType)
  return [split(part) for part in (typing.get_args(annotation) if is_union else (annotation,))]


def inner(info: FieldInfo) -> type[Section] | None:
  """The class of the section that a field holds, or None for another kind of field."""
  for kind, _ in kinds(info.annotation):
    if isinstance(kind, type) and issubclass(kind, Section):
      return kind
  return None


def _marks(info) -> tuple:
  """The annotations of a field and of the members of its union."""
  return (*info.metadata, *(mark for _, marks in kinds(info.annotation) for mark in marks))


def span_of(info: FieldInfo) -> Span | None:
  """The span of a field or, in a tuple of spans, of its items; None for other fields."""
  marks = list(_marks(info))
  for kind, _ in kinds(info.annotation):
    if typing.get_origin(kind) is tuple:
      marks += split(typing.get_args(kind)[0])[1]
  return next((mark for mark in marks if isinstance(mark, Span)), None)


def registered_by(section: Section) -> set[str]:
  """The modules outside jaxgan whose registered entries a section uses."""
  found = set()
  for name, info in type(section).model_fields.items():
    value: Any = getattr(section, name)
    if isinstance(value, Section):
      found |= registered_by(value)
      continue
    for mark in _marks(info):
      if isinstance(mark, OneOf | NamedIn) and isinstance(mark.names, Registry) and value:
        found |= mark.names.registered_by(value.partition('/')[0])
  return found


def allowed(info: FieldInfo) -> str:
  """The values that a field may have, in words, such as 'a positive integer or none'."""
  found = kinds(info.annotation)
  named = [part for part in found if part != (types.NoneType, ())]
  words = dict.fromkeys(_in_words(kind, (*marks, *info.metadata)) for kind, marks in named)
  return ' or '.join(words) + (' or none' if len(named) < len(found) else '')


_NAMES = {
  int: 'an integer',
  float: 'a number',
  bool: 'True or False',
  str: 'a string',
  dict[str, str]: 'a string for each name',
  dict[str, Any]: 'a value for each name',
}


def _in_words(kind, marks) -> str:
  stated = [mark.allowed for mark in marks if isinstance(mark, Where | OneOf | Span)]
  if stated:
    return ', '.join(stated)
  if typing.get_origin(kind) is tuple:
    words = _in_words(*split(typing.get_args(kind)[0])).replace('one of', 'some of')
    return re.sub(r'^an? (.*?)(integer|number|string)', r'\1\2s', words)
  kind = float if float in typing.get_args(kind) else kind
  name = _NAMES.get(kind, 'a section, set field by field (NAME.FIELD=VALUE)')
  return _with_range(name, marks)


def _with_range(name, marks) -> str:
  limits = {type(mark).__name__: mark for mark in marks}
  low = getattr(limits.get('Gt'), 'gt', getattr(limits.get('Ge'), 'ge', None))
  high = getattr(limits.get('Lt'), 'lt', getattr(limits.get('Le'), 'le', None))
  if low is None:
    return name
  if high is not None:
    return (
      f'{name} in {"(" if "Gt" in limits else "["}{low}, {high}{")" if "Lt" in limits else "]"}'
    )
  if low == 0:
    return f'a {"positive" if "Gt" in limits else "non-negative"} {name.split()[-1]}'
  return f'{name} {">" if "Gt" in limits else ">="} {low}'


def _example(info) -> str:
  """An example of a number or of numbers; other fields list their values."""
  value = info.examples[0] if info.examples else info.default
  is_stated = any(isinstance(mark, Where | OneOf | Span) for mark in _marks(info))
  is_number = isinstance(value, int | float | tuple) and not isinstance(value, bool)
  return f', for example {value!r}' if is_number and value != () and not is_stated else ''


def checked(section: type[S], content: Mapping, name: str = 'config', **options: Any) -> S:
  """Makes a section from values.

  Args:
    section: its class.
    content: the values, sections as nested mappings.
    name: the prefix of fields in messages.
    **options: of `pydantic.BaseModel.model_validate`.

  Raises:
    UserError: an unknown field or a value that is not allowed.
  """
  try:
    return section.model_validate(content, **options)
  except pydantic.ValidationError as error:
    first = error.errors(include_url=False)[0]
    raise UserError(_in_a_line(first, section, content, name)) from error


def _in_a_line(error, section, content, name) -> str:
  """Words a pydantic error as `config.train.batch_size=-4: expected ..., for example 64.`."""
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
    return f'{name}={value!r}: expected the fields of a configuration.'
  expected = context.get('allowed') or f'{allowed(found)}{_example(found)}'
  given = ' is missing' if value is _MISSING else f'={value!r}'
  return f'{name}{given}: expected {expected}.'


_MISSING = object()


def _nearest(part, known, name) -> str:
  if RENAMED.get(part) in known:
    return f', it was renamed to {name}.{RENAMED[part]}'
  near = difflib.get_close_matches(str(part), known, n=1)
  return f', did you mean {name}.{near[0]}?' if near else f'; there are {", ".join(known)}'
