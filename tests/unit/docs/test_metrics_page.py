"""docs/metrics.md has a heading for each registered metric."""

import pathlib
import re

from jaxgan.evaluation import metric
from tests.support import registered

PAGE = pathlib.Path(__file__).parents[3] / 'docs' / 'metrics.md'


def test_every_metric_is_described_once_and_nothing_else(monkeypatch):
  registered.as_shipped(monkeypatch)
  headings = re.findall(r'(?m)^### (.*)$', PAGE.read_text(encoding='utf-8'))
  described = [name for heading in headings for name in re.findall(r'`([^`]+)`', heading)]
  assert sorted(described) == sorted([*metric.GENERATED, *metric.CODES])
