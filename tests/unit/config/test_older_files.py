"""config.json of earlier versions: the fields they are read as, and whether their run continues."""

import importlib
import json
import types

import pytest

from jaxgan.config import identity
from jaxgan.config.section import checked
from jaxgan.runs import families, schedules
from jaxgan.runs.experiment import MethodJob, resolved
from jaxgan.training import classifiers
from jaxgan.training.config import ClassifierJob
from tests.support.config import stored

DATA = types.SimpleNamespace(arrays=types.SimpleNamespace(key='long_tail_x/y/1.0.0-0123456789'))


def _stored():
  """[(entry, flat content of the file)]."""
  found = []
  for entry in stored.load('older_files.json'):
    like = {} if entry['like'] is None else found[entry['like']][1]
    found.append((entry, stored.changed(like, entry)))
  return found


def _id(value):
  return '-'.join(value[name] for name in ('version', 'command', 'job')) if 'job' in value else ''


STORED = _stored()


def _remember(folder, content):
  (folder / 'config.json').write_text(json.dumps(stored.nested(content)))


@pytest.mark.parametrize(('entry', 'content'), STORED, ids=_id)
def test_an_older_file_is_read_as_the_configuration_of_its_run(entry, content, tmp_path):
  _remember(tmp_path, content)
  fields = identity.content(tmp_path)
  if 'methods' in fields:
    read = families.experiment(fields, MethodJob)
  else:
    read = checked(ClassifierJob, fields)
  read = stored.flat(read.model_dump(mode='json'))
  expected = stored.changed(content, entry, 'read', 'read_without')
  expected = stored.named_as_today(expected)
  for name in expected:  # Older versions kept `epochs`, which `steps` overrode.
    if name.endswith('train.steps') and expected[name] is not None:
      expected[name.replace('steps', 'epochs')] = None
  assert {name: read.get(name) for name in expected} == expected
  added = {name: value for name, value in read.items() if name not in expected}
  assert {name: value for name, value in added.items() if not stored.is_added(name, value)} == {}


@pytest.mark.parametrize(
  ('entry', 'content'), [(e, c) for e, c in STORED if e['differs'] is not None], ids=_id
)
def test_an_older_run_continues_if_the_experiment_is_unchanged(entry, content, tmp_path):
  _remember(tmp_path, content)
  file, _, argument = entry['command'].partition('.py:')
  module = importlib.import_module(f'experiments.{file.removesuffix(".py")}')
  config, job = schedules.fixed(resolved(module.get_config(argument))), entry['job']
  if job in config.methods:
    own = families.method_config(config, job, DATA)
  else:
    own = classifiers.job_config(config.seed, getattr(config, job), DATA.arrays)
  assert sorted(name for name, _, _ in identity.changes(tmp_path, own)) == entry['differs']
