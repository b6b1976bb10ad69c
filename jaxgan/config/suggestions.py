"""Fields that a misspelt or misplaced name may mean, in all sections of an experiment."""

import difflib
import types

from jaxgan.config import section as section_lib
from jaxgan.config.section import Section

# Names of other programs, and the last part of the field that has this meaning here.
ABBREVIATIONS = types.MappingProxyType(
  {
    'lr': 'learning_rate',
    'bs': 'batch_size',
    'batch': 'batch_size',
    'wd': 'weight_decay',
    'epoch': 'epochs',
    'num_epochs': 'epochs',
    'iterations': 'steps',
    'num_images': 'samples',
    'num_samples': 'samples',
    'num_steps': 'steps',
    'max_steps': 'steps',
    'random_seed': 'seed',
    'data': 'source',
    'dataroot': 'source',
    'resolution': 'image_size',
    'img_size': 'image_size',
    'z_dim': 'noise_dim',
    'latent_dim': 'noise_dim',
    'num_classes': 'num_categories',
    'lambda': 'regulariser_weight',
    'fp16': 'dtype',
  }
)
_FAR = 0.7  # The least similarity, of 1, to a name that is spelt otherwise.


def paths(section: Section, prefix: str = '') -> list[str]:
  """Lists the fields of a section and of the sections in it, such as 'train.batch_size'."""
  found = []
  for name, info in type(section).model_fields.items():
    own = getattr(section, name)
    if isinstance(own, Section):
      found += paths(own, f'{prefix}{name}.')
    elif section_lib.inner(info) is None:
      found.append(f'{prefix}{name}')
  return found


def nearest(name: str, section: Section) -> list[str]:
  """Finds the fields that a name may mean.

  The last part of the name is looked up in all sections: as it is, as an abbreviation, and at last
  by its letters.

  Args:
    name: an unknown field, such as 'train.lr', or the name of an unknown flag.
    section: the experiment.

  Returns:
    The fields, first those in the named sections, then those in fewer sections; [] if none is near.
  """
  *sections, last = name.split('.')
  fields = {path: path.rpartition('.')[2] for path in paths(section)}
  spelt = ABBREVIATIONS.get(last)
  for wanted in ([last], [spelt], difflib.get_close_matches(last, fields.values(), 1, _FAR)):
    if found := [path for path, own in fields.items() if own in wanted]:
      break

  def distance(path):
    shared = len(set(sections) & set(path.split('.')))
    return -shared, path.count('.')

  return sorted(found, key=distance)


def sentence(found: list[str], value: str | None) -> str:
  """Writes fields as flags to type, such as 'did you mean --config.train.steps=100?'.

  Args:
    found: the result of `nearest`.
    value: the value that was given, or None.
  """
  first, *others = (f'--config.{path}' for path in found)
  also = f' (or {", ".join(others)})' if others else ''
  return f'did you mean {first}={"VALUE" if value is None else value}{also}?'
