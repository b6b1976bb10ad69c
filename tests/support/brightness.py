"""A metric from outside: how bright generated images are."""

import contextlib

from jaxgan.evaluation import metric
from jaxgan.evaluation.metric import HIGHER, Metric
from tests.support.registered import imported


@contextlib.contextmanager
def registered():
  """The metric, among those of generated images until the end."""
  measure = lambda seen: seen.images.mean() / 255  # noqa: E731
  one = Metric('brightness', measure, 'mean of the first images', HIGHER, periodic=True)
  with imported():
    metric.GENERATED.register('brightness', one)
    yield one
