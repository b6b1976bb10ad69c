"""config.json: what the folder of a job remembers, and whether a job is still the same one.

`schema` 2 has the fields of today. Files without it are of older versions: `upgraded` gives them
what these versions did without a field.
"""

import contextlib
import json
import pathlib

from jaxgan.config import section as section_lib
from jaxgan.errors import UserError
from jaxgan.system import files
from jaxgan.system.names import without_source
from jaxgan.system.registry import import_again

NAME = 'config.json'
_SCHEMA = 2
_FORMERLY_ONE = {  # Fields of JointVAE of older versions, and those that replaced them.
  'beta': ('beta_continuous', 'beta_discrete'),
  'capacity': ('continuous_capacity', 'discrete_capacity'),
}


def content(folder: pathlib.Path) -> dict:
  """The fields that a job's folder remembers, those of an older version upgraded.

  The modules that registered what the job uses are imported.

  Raises:
    UserError: there are none, they cannot be read, or a module that registered what the job uses is
      missing.
  """
  path = pathlib.Path(folder) / NAME
  try:
    fields = json.loads(path.read_text())
    if not isinstance(fields, dict):
      raise ValueError('it holds no fields')
    schema = fields.pop('schema', 1)
    fields = upgraded(fields) if schema == 1 else _renamed(fields)
    if schema not in (1, _SCHEMA):
      raise ValueError(f'schema {schema!r} is of another version of jaxgan')
    modules = [str(module) for module in fields.get('modules', ())]
  except FileNotFoundError:
    raise UserError(f'{folder} holds no run (no {NAME}): name the folder of a run') from None
  except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
    reason = ' '.join(str(error).split())
    raise UserError(
      f'{path} cannot be read ({reason}): restore it or use another folder'
    ) from error
  import_again(modules, path)
  return fields


def upgraded(fields: dict) -> dict:
  """The fields of an older configuration with what older code did without those of today."""
  fields = _without_spare_epochs(_renamed(fields))
  if isinstance(fields.get('images'), str):  # Older versions have the name of the source in it.
    fields['images'] = without_source(fields['images'])
  if isinstance(own := fields.get('recogniser'), dict):
    fields['recogniser'] = upgraded(own)
  for section in (fields, *(fields.get(role) for role in ('classifier', 'annotator', 'cas'))):
    data = (section or {}).get('data', {})
    # LSUN of before there was a choice of pictures.
    if str(data.get('dataset')).startswith('long_tail_lsun/'):
      options = data.get('options', {})
      picture = options.get('picture') or 'centre_crop'
      section['data'] = {**data, 'options': {**options, 'picture': picture}}
  if methods := fields.get('methods'):
    fields['algorithm'] = _upgraded_algorithm(fields['algorithm'], methods)
    if 'samples' in fields.get('evaluation', {}):
      fields['evaluation'] = {'ema_statistics': 'average', 'cas': False, **fields['evaluation']}
  return fields


def _renamed(value):
  """Sections with today's names of fields."""
  if not isinstance(value, dict):
    return value
  return {section_lib.RENAMED.get(name, name): _renamed(part) for name, part in value.items()}


def _without_spare_epochs(value):
  """Sections whose number of steps came before one of epochs have no epochs."""
  if not isinstance(value, dict):
    return value
  value = {name: _without_spare_epochs(part) for name, part in value.items()}
  return (
    {**value, 'epochs': None} if value.get('steps') is not None and 'epochs' in value else value
  )


def _upgraded_algorithm(algorithm: dict, methods) -> dict:
  """An older `algorithm` section of methods; a field that none of them reads is that of today."""
  algorithm, added = dict(algorithm), {}
  for old, today in _FORMERLY_ONE.items():
    if old in algorithm:  # One value for both latents.
      added |= dict.fromkeys(today, algorithm.pop(old))
  if 'count_start' in algorithm:
    if 'class_balancing_conditional' in methods:
      added['effective_labels'] = 'both_steps'
    if 'acgan_pretrained' in methods:  # One weight was that of both losses.
      added['classifier_loss_weight'] = algorithm['class_loss_weight']
    if not isinstance(algorithm['count_start'], list | tuple):  # One number for all classes.
      algorithm['count_start'] = [algorithm['count_start']]
    if algorithm.get('class_balanced_batches') is False:  # Now a choice of the method.
      del algorithm['class_balanced_batches']
  elif 'prior' in algorithm:
    # Of digits whose pairs nothing contrasts the field has no effect: its value is today's.
    unread = algorithm['contrastive'] == 'none' and algorithm.get('network', 'mnist') == 'mnist'
    added['views'] = 'released' if unread else 'paper'
    added['prior_learning_rate'] = algorithm['learning_rate']
  return added | algorithm


def changes(folder: pathlib.Path, config: section_lib.Section) -> list[tuple]:
  """Where a configuration differs from the one that its job's folder remembers, if it does.

  Returns:
    [(field, remembered value, new value)], without the fields that are free to change.

  Raises:
    UserError: what the folder remembers cannot be read.
  """
  if not (pathlib.Path(folder) / NAME).exists():
    return []
  remembered = content(folder)
  old, new = _flatten(remembered), _flatten(config.model_dump(mode='json'))
  # What is not remembered is the default. Another kind of job is compared as it is.
  with contextlib.suppress(UserError):
    typed = section_lib.checked(type(config), remembered, extra='ignore')
    old |= _flatten(typed.model_dump(mode='json'))
  free = tuple(_free_fields(type(config)))
  fields = sorted(name for name in old.keys() | new.keys() if not f'{name}.'.startswith(free))
  return [(n, old.get(n), new.get(n)) for n in fields if old.get(n) != new.get(n)]


def _flatten(tree: dict, prefix: str = '') -> dict:
  flat = {}
  for name, value in tree.items():
    nested = isinstance(value, dict)
    flat |= _flatten(value, f'{prefix}{name}.') if nested else {f'{prefix}{name}': value}
  return flat


def _free_fields(section, prefix: str = ''):
  """The names of free fields, each with a dot at its end."""
  for name, info in section.model_fields.items():
    path, own = f'{prefix}{name}.', section_lib.inner(info)
    if section_lib.is_free(info):
      yield path
    elif own:
      yield from _free_fields(own, path)


def check_unchanged(folder: pathlib.Path, config: section_lib.Section) -> None:
  """Raises a UserError where a folder belongs to a run with another configuration."""
  changed = changes(folder, config)
  if [name for name, _, _ in changed] == ['images']:
    _, old, new = changed[0]
    raise UserError(
      f'{folder} belongs to a run on other images: the contents of config.data.source='
      f'{config.data.source!r} have changed (images was {old!r}, is {new!r}): choose another '
      '--workdir or give the old images'
    )
  if changed:
    shown = ', '.join(f'{n} was {old!r}, is {new!r}' for n, old, new in changed[:3])
    more = f' and {len(changed) - 3} more' if len(changed) > 3 else ''
    raise UserError(
      f'{folder} belongs to a run with another config ({shown}{more}): '
      'choose another --workdir or the old values'
    )


def remember(folder: pathlib.Path, config: section_lib.Section) -> None:
  """Writes a job's resolved configuration to its folder, unless another one is there.

  Raises:
    UserError: the folder belongs to a run with another configuration, or cannot be written.
  """
  path = pathlib.Path(folder) / NAME
  fields = {'schema': _SCHEMA, **config.model_dump(mode='json')}
  text = json.dumps(fields, indent=2, sort_keys=True) + '\n'
  if path.exists() and path.read_text() == text:
    return
  check_unchanged(folder, config)
  try:
    files.replace(path, text.encode())
  except OSError as error:
    raise UserError(
      f'cannot write to {folder} ({error.strerror}): choose another --workdir'
    ) from error
