"""README stays one page whose commands and links exist."""

import pathlib
import re
import shlex

import pytest

from jaxgan.runs import commands

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = (ROOT / 'README.md').read_text(encoding='utf-8')


def test_it_is_one_page():
  lines = TEXT.splitlines()
  assert len(lines) <= 120
  assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize('target', sorted(set(re.findall(r'\]\(([^)]+)\)', TEXT))))
def test_links_exist(target):
  assert (ROOT / target).exists()


@pytest.mark.parametrize('line', re.findall(r'jaxgan (\w+ --config=[^\s`]+)', TEXT))
def test_experiments_of_its_commands_exist(line):
  command, config = shlex.split(line)
  assert command in commands.COMMANDS
  path = config.removeprefix('--config=').partition(':')[0]
  assert path == '...' or (ROOT / path).is_file()
