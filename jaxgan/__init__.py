"""jaxgan: generative models for class-imbalanced images, in JAX and Flax.

    import jaxgan
    run = jaxgan.load('runs/fashion_lt')

See `jaxgan.runs.run`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from jaxgan.runs.generator import Generator, from_pretrained
  from jaxgan.runs.run import Run, load

__all__ = ['Generator', 'Run', 'from_pretrained', 'load']
# Public names and their modules, which are imported on first use: `import jaxgan` does not import
# JAX.
_MODULES = {
  'Generator': 'jaxgan.runs.generator',
  'Run': 'jaxgan.runs.run',
  'from_pretrained': 'jaxgan.runs.generator',
  'load': 'jaxgan.runs.run',
}


def __getattr__(name: str) -> Any:
  """Imports a public name on first use."""
  if name not in _MODULES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(_MODULES[name]), name)
