"""jaxgan: generative models for class-imbalanced images, in JAX and Flax.

    import jaxgan
    run = jaxgan.load('runs/fashion_lt')

See `jaxgan.runs.run`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from jaxgan.runs.run import Run, load

__all__ = ['Run', 'load']


def __getattr__(name: str) -> Any:
  """Imports `Run` or `load` on first use: `import jaxgan` alone does not import JAX."""
  if name not in __all__:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  from jaxgan.runs import run

  return getattr(run, name)
