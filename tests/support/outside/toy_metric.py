"""A metric of generated images: their brightness."""

from jaxgan.evaluation.metric import GENERATED, Metric

NAME = 'toy_brightness'


def brightness(seen):
  """Returns the mean intensity of the images that the evaluation keeps, in [0, 1]."""
  return seen.images.mean() / 255


GENERATED.register(NAME, Metric(NAME, brightness, 'mean intensity', periodic=True))
