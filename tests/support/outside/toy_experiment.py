"""An experiment file: the embedded example with a loss of this package."""

from experiments import fashion_lt
from jaxgan.config.overrides import changed
from tests.support.outside import toy_loss  # noqa: F401 (registers the loss)


def get_config(argument: str = ''):
  """Returns `fashion_lt` with another loss and a separate work directory."""
  changes = {
    'experiment': 'fashion_least_squares',
    'workdir': 'runs/fashion_least_squares',
    'algorithm.loss': 'toy_least_squares',
  }
  return changed(fashion_lt.get_config(argument), changes)
