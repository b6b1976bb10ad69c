"""Stored flat configurations, each as its differences from another."""

import fnmatch
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


# Names of fields when the configurations were stored, and their current names.
RENAMED = {'algorithm.regulariser_weights': 'algorithm.class_weighting'}
# Fields that were not there, or not everywhere, when the configurations were stored, and what was
# done without them.
ADDED = {
  '*data.prepared': '',
  '*fractions': {},
  'folder': '',
  '*workdir': '',
  '*classifier': None,
  '*annotator': None,
  '*cas': None,
  '*recogniser': None,
  'algorithm.num_categories': None,
  '*algorithm.weights': '',
  '*algorithm.decay_factor': 0.01,
  '*algorithm.depth': 32,
  '*algorithm.batches': 'instance_balanced',
  '*half': None,
  '*seed_offset': 0,
  '*algorithm.width': 16,
  '*data.options.*': None,
  '*data.streaming': None,
  '*train.preview': False,
  '*train.tracker': 'tensorboard',
  'algorithm.network': 'sndcgan',
  'algorithm.class_loss_weight': 1.0,
  'modules': [],
  'evaluation.ema_statistics': 'average',
  'evaluation.reference': 'held_out',
  'evaluation.resamplings': 1,
  'evaluation.cas': False,
  'evaluation.cas_images': None,
}


def named_as_today(fields: dict) -> dict:
  """Renames the fields of a flat configuration to their current names."""
  return {RENAMED.get(name, name): value for name, value in fields.items()}


def is_added(name: str, value) -> bool:
  """Returns whether a field without a stored value has the value of older behaviour."""
  return any(fnmatch.fnmatchcase(name, field) and ADDED[field] == value for field in ADDED)
