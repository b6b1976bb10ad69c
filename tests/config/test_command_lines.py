"""Command lines mean what they meant: stored ones resolve to the stored values."""

import json
import sys

from absl.testing import flagsaver
import pytest

from jaxgan import experiment_file, main
from tests.config import stored


def _stored():
  """{command line: flat configuration}."""
  lines = stored.load('command_lines.json')
  found = {lines['first']['command']: lines['first']['resolved']}
  for entry in lines['others']:
    found[entry['command']] = stored.changed(found[entry['like']], entry)
  return found


STORED = _stored()


def _resolved(command, monkeypatch):
  argv = ['jaxgan', *f'--config=experiments/{command}'.split()]
  monkeypatch.setattr(sys, 'argv', argv)
  with flagsaver.flagsaver():
    experiment_file.parse_flags(argv)
    config = main._CONFIG.value
  return stored.flat(json.loads(json.dumps(config.copy_and_resolve_references().to_dict())))


@pytest.mark.parametrize('command', STORED)
def test_a_command_line_means_what_it_meant(command, monkeypatch):
  assert _resolved(command, monkeypatch) == STORED[command]
