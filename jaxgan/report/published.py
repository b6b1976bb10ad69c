"""Published numbers: the rows of published_results.json and their papers."""

from collections.abc import Iterable
from importlib import resources
import json
from typing import Any

from jaxgan.errors import UserError


def published_values(dotted: str | None) -> tuple[dict[str, Any], str]:
  """Looks up a row of published_results.json and its paper.

  Args:
    dotted: the row, such as 'class_balancing_gan.cifar10.class_balancing.100'; None for no row.

  Returns:
    ({'fid': [mean, std], 'kl': value, ...}, source); ({}, '') for no row.

  Raises:
    UserError: the row does not exist.
  """
  if dotted is None:
    return {}, ''
  published = json.loads(resources.files('jaxgan').joinpath('published_results.json').read_text())
  values = published
  for name in dotted.split('.'):
    values = values.get(name) if isinstance(values, dict) else None
  if not isinstance(values, dict):
    raise not_published(dotted)
  return values, published[dotted.split('.')[0]]['source']


def not_published(name: str) -> UserError:
  """Builds the UserError for a missing row of published values."""
  return UserError(f"config.published='{name}': expected a row of published_results.json.")


def sources(rows: Iterable[Any]) -> str:
  """Writes the papers of the rows' published values, one sentence per paper."""
  return ''.join(f' Published: {s}.' for s in dict.fromkeys(row.source for row in rows) if s)
