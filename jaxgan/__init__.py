"""jaxgan: generative models for class-imbalanced images, in JAX and Flax.

    import jaxgan
    run = jaxgan.load('runs/fashion_lt')

See `jaxgan.runs.run`.
"""

__all__ = ['Run', 'load']


def __getattr__(name):
  """Imports what is asked for: `import jaxgan` alone brings not even JAX."""
  if name not in __all__:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  from jaxgan.runs import run

  return getattr(run, name)
