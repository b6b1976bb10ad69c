"""The embedded example with its images in a separate folder."""

from experiments import fashion_lt
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import resolved


def fashion(folder):
  config = fashion_lt.get_config('method=class_balancing')
  return resolved(changed(config, {'data.data_dir': str(folder / 'data')}))
