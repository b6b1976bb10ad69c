"""The manual names what is registered: each metric has a heading, each method a row."""

import pathlib
import re

import pytest

from jaxgan.algorithms import gan_methods, regularisers
from jaxgan.evaluation import metric
from jaxgan.runs.families import codes
from tests.support import registered

DOCS = pathlib.Path(__file__).parents[3] / 'docs'


def _page(name):
  return (DOCS / name).read_text(encoding='utf-8')


def test_every_metric_is_described_once_and_nothing_else(monkeypatch):
  registered.as_shipped(monkeypatch)
  headings = re.findall(r'(?m)^### (.*)$', _page('metrics.md'))
  described = [name for heading in headings for name in re.findall(r'`([^`]+)`', heading)]
  assert sorted(described) == sorted([*metric.GENERATED, *metric.CODES])


@pytest.mark.parametrize(
  ('page', 'methods'),
  [('class_balancing.md', gan_methods.METHODS), ('elastic_infogan.md', codes.METHODS)],
)
def test_every_method_has_a_row(monkeypatch, page, methods):
  registered.as_shipped(monkeypatch)
  table = next(part for part in _page(page).split('\n\n') if part.startswith('| method |'))
  assert sorted(re.findall(r'(?m)^\| `(\w+)`', table)) == sorted(methods)


def test_every_switch_is_described():
  fields = [fields[0] for fields in regularisers.SWITCHES.values()]
  assert [name for name in fields if name not in _page('class_balancing.md')] == []
