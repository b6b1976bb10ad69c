"""A registered metric: the brightness of generated images."""

import contextlib

from jaxgan.evaluation import metric
from jaxgan.evaluation.metric import HIGHER, Metric
from tests.support.registered import imported


@contextlib.contextmanager
def registered():
  """Registers the metric of generated images for the `with` block."""
  measure = lambda seen: seen.images.mean() / 255  # noqa: E731
  one = Metric('brightness', measure, 'mean of the first images', HIGHER, periodic=True)
  with imported():
    metric.GENERATED.register('brightness', one)
    yield one
