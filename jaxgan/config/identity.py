"""config.json, the configuration in a job's folder, and its comparison with a new configuration.

`schema` 2 has the current fields. Files without a schema come from older versions: `upgraded` fills
the fields that they lack with the behaviour of these versions.
"""

import contextlib
import json
import pathlib
from typing import Any

from jaxgan.config import section as section_lib
from jaxgan.errors import UserError
from jaxgan.system import files
from jaxgan.system.names import some, without_source
from jaxgan.system.registry import import_again, keep_copies

NAME = 'config.json'
_SCHEMA = 2
_FORMERLY_ONE = {  # Fields of JointVAE in older versions, and the fields that replaced them.
  'beta': ('beta_continuous', 'beta_discrete'),
  'capacity': ('continuous_capacity', 'discrete_capacity'),
}


def content(folder: pathlib.Path) -> dict:
  """Reads the fields of a job from its folder; upgrades fields of older versions.

  Imports the modules that registered the entries which the job uses.

  Args:
    folder: of the job.

  Raises:
    UserError: config.json is missing or damaged, or one of these modules is missing.
  """
  path = pathlib.Path(folder) / NAME
  try:
    fields = json.loads(path.read_text())
    if not isinstance(fields, dict):
      raise ValueError('it is not a JSON object')
    schema = fields.pop('schema', 1)
    fields = upgraded(fields) if schema == 1 else _renamed(fields)
    if schema not in (1, _SCHEMA):
      raise ValueError(f'schema {schema!r} belongs to another version of jaxgan')
    modules = [str(module) for module in fields.get('modules', ())]
  except FileNotFoundError:
    raise UserError(f'{folder} holds no run (no {NAME}): give the folder of a run') from None
  except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
    reason = ' '.join(str(error).split())
    raise UserError(
      f'{path} cannot be read ({reason}): restore it or use another folder'
    ) from error
  import_again(modules, path.parent, path)
  return fields


def upgraded(fields: dict) -> dict:
  """Returns an older configuration with the current fields, set to the behaviour of older code."""
  fields = _without_spare_epochs(_renamed(fields))
  if isinstance(fields.get('images'), str):  # Older keys contain the name of the source.
    fields['images'] = without_source(fields['images'])
  if isinstance(own := fields.get('recogniser'), dict):
    fields['recogniser'] = upgraded(own)
  for section in (fields, *(fields.get(role) for role in ('classifier', 'annotator', 'cas'))):
    section = section or {}
    data = section.get('data', {})
    # Older versions cropped LSUN; they had no field `picture`.
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
  """Renames the fields of nested sections to their current names."""
  if not isinstance(value, dict):
    return value
  return {section_lib.RENAMED.get(name, name): _renamed(part) for name, part in value.items()}


def _without_spare_epochs(value):
  """Removes `epochs` where `steps` is set: older versions ignored it there."""
  if not isinstance(value, dict):
    return value
  value = {name: _without_spare_epochs(part) for name, part in value.items()}
  return (
    {**value, 'epochs': None} if value.get('steps') is not None and 'epochs' in value else value
  )


def _upgraded_algorithm(algorithm: dict, methods) -> dict:
  """Upgrades an `algorithm` section; fields that its methods do not read get current values."""
  algorithm, added = dict(algorithm), {}
  for old, today in _FORMERLY_ONE.items():
    if old in algorithm:  # One value served both latents.
      added |= dict.fromkeys(today, algorithm.pop(old))
  if 'count_start' in algorithm:
    if 'class_balancing_conditional' in methods:
      added['effective_labels'] = 'both_steps'
    if 'acgan_pretrained' in methods:  # Both losses shared one weight.
      added['classifier_loss_weight'] = algorithm['class_loss_weight']
    if not isinstance(algorithm['count_start'], list | tuple):  # One number for all classes.
      algorithm['count_start'] = [algorithm['count_start']]
    if algorithm.get('class_balanced_batches') is False:  # Now fixed by the method.
      del algorithm['class_balanced_batches']
  elif 'prior' in algorithm:
    # Without a contrastive loss on digits the field has no effect: use its current default.
    unread = algorithm['contrastive'] == 'none' and algorithm.get('network', 'mnist') == 'mnist'
    added['views'] = 'released' if unread else 'paper'
    added['prior_learning_rate'] = algorithm['learning_rate']
  return added | algorithm


def changes(folder: pathlib.Path, config: section_lib.Section) -> list[tuple]:
  """Lists the differences between a new configuration and the config.json of a folder.

  Args:
    folder: of the job.
    config: the new configuration.

  Returns:
    [(field, stored value, new value)], without the fields that are free to change; empty where the
    folder has no config.json.

  Raises:
    UserError: config.json cannot be read.
  """
  if not (pathlib.Path(folder) / NAME).exists():
    return []
  remembered = content(folder)
  old, new = _flatten(remembered), _flatten(config.model_dump(mode='json'))
  # Missing fields have their defaults. The fields of another kind of job are compared as stored.
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
  """Yields the names of free fields, each with a dot at its end."""
  for name, info in section.model_fields.items():
    path, own = f'{prefix}{name}.', section_lib.inner(info)
    if section_lib.is_free(info):
      yield path
    elif own:
      yield from _free_fields(own, path)


def check_unchanged(folder: pathlib.Path, config: Any) -> None:
  """Raises a UserError if a folder belongs to a run with another configuration."""
  changed = changes(folder, config)
  if [name for name, _, _ in changed] == ['images']:
    _, old, new = changed[0]
    raise UserError(
      f'{folder} belongs to a run on other images: the contents of config.data.source='
      f'{config.data.source!r} have changed (images was {old!r}, is {new!r}): choose another '
      '--workdir or give the old images'
    )
  if changed:
    shown = some((f'{n} was {old!r}, is {new!r}' for n, old, new in changed), 3)
    raise UserError(
      f'{folder} belongs to a run with another config ({shown}): '
      'choose another --workdir or the old values'
    )


def remember(folder: pathlib.Path, config: section_lib.Section) -> None:
  """Writes a job's resolved configuration and the files that registered parts of it to its folder.

  Args:
    folder: of the job, made if missing.
    config: the configuration.

  Raises:
    UserError: the folder belongs to a run with another configuration, or cannot be written.
  """
  path = pathlib.Path(folder) / NAME
  fields = {'schema': _SCHEMA, **config.model_dump(mode='json')}
  text = json.dumps(fields, indent=2, sort_keys=True) + '\n'
  is_remembered = path.exists() and path.read_text() == text
  if not is_remembered:
    check_unchanged(folder, config)
  try:
    keep_copies(fields.get('modules', ()), path.parent)
    if not is_remembered:
      files.replace(path, text.encode())
  except OSError as error:
    raise UserError(
      f'cannot write to {folder} ({error.strerror}): choose another --workdir'
    ) from error
