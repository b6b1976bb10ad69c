"""jaxgan: generative models for class-imbalanced images, in JAX and Flax.

    import jaxgan
    run = jaxgan.load('runs/fashion_lt')

See `jaxgan.runs.run`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from jaxgan.runs.generator import Generator, from_pretrained
  from jaxgan.runs.run import Run, load

__all__ = ['Generator', 'Run', 'from_pretrained', 'load']


def __getattr__(name: str) -> Any:
  """Imports a public name on first use: `import jaxgan` alone does not import JAX."""
  if name not in __all__:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  from jaxgan.runs import generator, run

  return getattr(generator if name in ('Generator', 'from_pretrained') else run, name)
