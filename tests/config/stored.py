"""What is stored beside these tests: flat configurations, each as its differences from another."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).parent


def load(name: str):
  """The content of a JSON file in this folder."""
  return json.loads((FOLDER / name).read_text(encoding='utf-8'))


def changed(like: dict, entry: dict, new: str = 'changed', gone: str = 'without') -> dict:
  """A flat configuration with an entry's new values and without its missing fields."""
  return {name: like[name] for name in like if name not in entry[gone]} | entry[new]


def flat(tree: dict, prefix: str = '') -> dict:
  """{'section.field': value} of nested dicts."""
  found = {}
  for name, value in tree.items():
    nested = isinstance(value, dict) and value
    found |= flat(value, f'{prefix}{name}.') if nested else {f'{prefix}{name}': value}
  return found


def nested(fields: dict) -> dict:
  """The inverse of `flat`."""
  tree = {}
  for name, value in fields.items():
    *sections, field = name.split('.')
    section = tree
    for part in sections:
      section = section.setdefault(part, {})
    section[field] = value
  return tree
