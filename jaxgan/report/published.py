"""Published numbers: the rows of published_results.json and the papers they are from."""

from importlib import resources
import json

from jaxgan.errors import UserError


def published_values(dotted):
  """The values of a row of published_results.json and the paper they are from.

  Args:
    dotted: the row, such as 'class_balancing_gan.cifar10.class_balancing.100'; None for no row.

  Returns:
    ({'fid': [mean, std], 'kl': value, ...}, source); ({}, '') for no row.

  Raises:
    UserError: there is no such row.
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


def not_published(name):
  """The UserError for published values that are not there."""
  return UserError(f"'{name}' is not in published_results.json: correct config.published")


def sources(rows):
  """The papers that the rows' published values are from, as a sentence each."""
  return ''.join(f' Published: {s}.' for s in dict.fromkeys(row.source for row in rows) if s)
