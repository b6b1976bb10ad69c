"""The manual reads its numbers from experiments/results."""

import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[3]
ROLE = re.compile(r'\{measured\}`([^`]+)`')


def _value():
  """The function of docs/_extensions/measured.py."""
  path = ROOT / 'docs' / '_extensions' / 'measured.py'
  spec = importlib.util.spec_from_file_location('measured', path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.value


@pytest.mark.parametrize('text', ['none.json::a::d', 'step_time_cpu.json::none::d', 'a'])
def test_what_names_no_number_is_refused(text):
  with pytest.raises(ValueError, match=re.escape(text)):
    _value()(text)


def test_every_number_of_the_pages_is_there():
  value = _value()
  texts = [text for path in ROOT.glob('docs/*.md') for text in ROLE.findall(path.read_text())]
  assert texts and all(re.fullmatch(r'[-\d.,]+', value(text)) for text in texts)
