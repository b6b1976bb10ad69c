"""A metric of generated images."""

from jaxgan.evaluation.metric import GENERATED, Metric

NAME = 'toy_brightness'


def brightness(seen):
  """The mean intensity of the first images, in [0, 1]."""
  return seen.images.mean() / 255


GENERATED.register(NAME, Metric(NAME, brightness, 'mean intensity', periodic=True))
