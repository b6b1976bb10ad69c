"""Fields of nested sections."""

from collections.abc import Iterator
from typing import Any

from jaxgan.config.section import Section


def fields_of(section: Section, prefix: str = '') -> Iterator[tuple[str, Any]]:
  """Yields (name, value) of every field of a section and of nested sections."""
  for name in type(section).model_fields:
    value = getattr(section, name)
    if isinstance(value, Section):
      yield from fields_of(value, f'{prefix}{name}.')
    else:
      yield f'{prefix}{name}', value
