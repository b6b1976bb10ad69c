"""Changed copies of a configuration, from Python values or command-line arguments."""

import ast
from collections.abc import Mapping
import types
import typing
from typing import Any

from jaxgan.config import section as section_lib
from jaxgan.config import suggestions
from jaxgan.config.section import S, Section
from jaxgan.errors import UserError


def changed(section: S, changes: Mapping[str, Any], name: str = 'config') -> S:
  """Returns a copy of a section with other values of some fields.

  Setting a field unsets its alternatives, such as `train.epochs` for `train.steps`.

  Args:
    section: the original, which stays unchanged.
    changes: {'field' or 'section.field': value}.
    name: the prefix of fields in messages.

  Raises:
    UserError: an unknown field or a value that is not allowed.
  """
  content = section.model_dump()
  kind: type[Section] | None
  for path, value in changes.items():
    *sections, field = path.split('.')
    values, kind = content, type(section)
    for part in sections:
      info = kind.model_fields.get(part) if kind else None
      if values.get(part) is None:
        values[part] = {}
      kind, values = section_lib.inner(info) if info else None, values[part]
      if not isinstance(values, dict):
        raise UserError(f'{name}.{path}: there is no such field, {part} has none')
    values[field] = value.model_dump() if isinstance(value, Section) else value
    alternatives = kind.alternatives if kind and value is not None else ()
    for other in alternatives:
      if field in alternatives and '.'.join([*sections, other]) not in changes:
        values[other] = None
  return section_lib.checked(type(section), content, name)


def override(section: S, arguments: Mapping[str, str]) -> S:
  """Returns a copy of a section with the values of `--config.FIELD=TEXT` arguments.

  Text becomes a Python literal (a number, a tuple, None) where it parses as one and the field takes
  more than strings. A single value stands for a tuple of length one.

  Args:
    section: the original, which stays unchanged.
    arguments: {'section.field': text}.

  Raises:
    UserError: an unknown field, with the flags that it may mean, or a value that is not allowed.
  """
  for name, text in arguments.items():
    if _is_unknown(section, name) and (found := suggestions.nearest(name, section)):
      meant = suggestions.sentence(found, text)
      raise UserError(f'config.{name}: there is no such field, {meant}')
  return changed(section, {name: _value(section, name, text) for name, text in arguments.items()})


def _is_unknown(section, name) -> bool:
  """Whether no field has a name; False for an earlier name, whose message is another."""
  kind = type(section)
  for part in name.split('.'):
    if kind is None or part not in kind.model_fields:
      return part not in section_lib.RENAMED and kind is not None
    kind = section_lib.inner(kind.model_fields[part])
  return False


def _value(section, name, text):
  kind, info = type(section), None
  for part in name.split('.'):
    info = kind.model_fields.get(part) if kind else None
    kind = section_lib.inner(info) if info else None
  kinds = [kind for kind, _ in section_lib.kinds(info.annotation)] if info else []
  if types.NoneType in kinds and (text == 'None' or (text == 'none' and str not in kinds)):
    return None
  try:
    value = text if {*kinds, types.NoneType} == {str, types.NoneType} else ast.literal_eval(text)
  except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
    value = text
  wants_tuple = any(typing.get_origin(part) is tuple for part in kinds)
  return (value,) if wants_tuple and not isinstance(value, tuple | list) else value
