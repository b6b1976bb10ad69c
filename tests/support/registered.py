"""Registries in tests: entries are removed when the test ends."""

from collections.abc import Iterator
import contextlib
import importlib
import sys

import pytest

from data_prep.preparation import DATASETS
from jaxgan.algorithms import classifier, gan_methods
from jaxgan.evaluation import metric
from jaxgan.losses import adversarial
from jaxgan.networks import gans, infogans
from jaxgan.runs.families import FAMILIES, codes
from jaxgan.system import registry

TABLES = (
  DATASETS, FAMILIES, adversarial.LOSSES, classifier.LOSSES, classifier.NETWORKS, codes.METHODS,
  gan_methods.METHODS, gans.NETWORKS, infogans.NETWORKS, metric.CODES, metric.GENERATED,
)  # fmt: skip
# The networks of `tests.support.small`, which is imported for the time of a session.
SMALL, SMALL_CLASSIFIER = 'small', 'small_classifier'


@contextlib.contextmanager
def imported(*names: str) -> Iterator[list]:
  """Lets modules register on import, and undoes import and registration at the end."""
  with pytest.MonkeyPatch.context() as monkeypatch:
    monkeypatch.setattr(registry, '_REGISTERED', set(registry._REGISTERED))
    for table in TABLES:
      monkeypatch.setattr(table, '_entries', dict(table))
      monkeypatch.setattr(table, 'modules', dict(table.modules))
    for name in names:
      sys.modules.pop(name, None)
    yield [importlib.import_module(name) for name in names]
    for name in names:
      del sys.modules[name]


def put(monkeypatch, table, entries) -> None:
  """Adds or replaces entries of a registry during a test."""
  monkeypatch.setattr(table, '_entries', {**table, **entries})


def as_shipped(monkeypatch) -> None:
  """Removes entries that tests have registered."""
  for table in TABLES:
    own = {name: table[name] for name in table if name not in table.modules}
    monkeypatch.setattr(table, '_entries', own)
