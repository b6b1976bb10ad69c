"""Spans: lengths of schedules that may be given as fractions of the run.

A field with a `section.Span` holds a whole number of steps or epochs, or a fraction in (0, 1).
`resolved` replaces fractions by whole numbers, which is all that algorithms read:

    resolved(GanConfig(ema_start=0.2), {'steps': 2000})   ->   ema_start=400, {'ema_start': 0.2}
"""

from collections.abc import Mapping
import math
from typing import Any

from jaxgan.config import section as section_lib
from jaxgan.config.overrides import changed
from jaxgan.config.section import S, Section, Span


def spans(section: Section) -> dict[str, Span]:
  """Returns {field: Span} of the fields of a section that hold spans."""
  fields = type(section).model_fields.items()
  return {name: span for name, info in fields if (span := section_lib.span_of(info))}


def fractions(section: Section) -> dict[str, Any]:
  """Returns {field: value} of the fields of a section that hold a fraction of the run."""
  values = {name: getattr(section, name) for name in spans(section)}
  return {name: value for name, value in values.items() if any(map(_is_fraction, _all(value)))}


def whole(value: Any, length: float) -> Any:
  """Returns a span as a whole number; a tuple of spans as a tuple.

  A fraction is rounded to a whole number of at least 1 and less than `length`.

  Args:
    value: a whole number, a fraction of the run, a tuple of them, or None.
    length: of the run, in the unit of the span.
  """
  if isinstance(value, tuple | list):
    return tuple(whole(part, length) for part in value)
  if not _is_fraction(value):
    return value
  return max(1, min(math.floor(value * length + 0.5), math.ceil(length) - 1))


def resolved(
  section: S, lengths: Mapping[str, float | None], kept: Mapping[str, Any] | None = None
) -> tuple[S, dict[str, Any]]:
  """Replaces the fractions of a section by whole numbers.

  Args:
    section: the section `algorithm` of a job.
    lengths: {'steps': length of the run in steps, 'epochs': in epochs}; None for an unknown length,
      whose spans become 1, for plans.
    kept: {field: the number that stays in force from an earlier start of the run}.

  Returns:
    (the changed copy, {field: its fraction}).
  """
  found, kept = fractions(section), kept or {}
  units = {name: span.unit for name, span in spans(section).items()}
  numbers = {
    name: kept[name] if name in kept else whole(value, lengths.get(units[name]) or 1)
    for name, value in found.items()
  }
  return (changed(section, numbers) if numbers else section), found


def check_whole(section: Section) -> None:
  """Raises a ValueError if a section still has fractions, from which no algorithm can be built."""
  if found := fractions(section):
    raise ValueError(f'{found}: replace fractions of the run by jaxgan.config.spans.resolved')


def _is_fraction(value) -> bool:
  return isinstance(value, float) and 0 < value < 1


def _all(value) -> tuple:
  return tuple(value) if isinstance(value, tuple | list) else (value,)
