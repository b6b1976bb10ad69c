"""jaxgan: generative models for class-imbalanced images, in JAX and Flax.

    import jaxgan
    run = jaxgan.train('experiments/fashion_lt.py', workdir='runs/fashion_lt')
    run = jaxgan.load('runs/fashion_lt')
    images, labels = run.sample(1000, balanced=True)

The functions `register_*` add parts of another package, such as a loss, to the configuration, the
command line and reports.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from jaxgan.runs.generator import Generator, from_pretrained
  from jaxgan.runs.registration import (
    register_dataset,
    register_loss,
    register_method,
    register_metric,
    register_network,
  )
  from jaxgan.runs.run import Run, load
  from jaxgan.runs.train import train

__all__ = [
  'Generator',
  'Run',
  'from_pretrained',
  'load',
  'register_dataset',
  'register_loss',
  'register_method',
  'register_metric',
  'register_network',
  'train',
]
# Public names and their modules, which are imported on first use: `import jaxgan` does not import
# JAX.
_MODULES = {
  'Generator': 'jaxgan.runs.generator',
  'Run': 'jaxgan.runs.run',
  'from_pretrained': 'jaxgan.runs.generator',
  'load': 'jaxgan.runs.run',
  'register_dataset': 'jaxgan.runs.registration',
  'register_loss': 'jaxgan.runs.registration',
  'register_method': 'jaxgan.runs.registration',
  'register_metric': 'jaxgan.runs.registration',
  'register_network': 'jaxgan.runs.registration',
  'train': 'jaxgan.runs.train',
}


def __getattr__(name: str) -> Any:
  """Imports a public name on first use."""
  if name not in _MODULES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
  """Lists the public names."""
  return sorted(__all__)
