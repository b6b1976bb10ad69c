"""How XLA compiles: one `jit` for every program of the package, and the cache on disk.

On CPU, XLA hands convolutions, products and reductions to YNNPACK by default. With jaxlib 0.10.2
the gradient of a convolution's kernel is then about ten times slower than XLA's own, and some
reductions are wrong (https://github.com/jax-ml/jax/issues/39103). So every program is compiled by
the `jit` below, which leaves YNNPACK only plain products, where the jaxlib at hand knows how to.
"""

import contextlib
import functools
import os
import pathlib
import sys

import jax

# By platform; those of the CPU measured on two cores with the steps of `benchmarks/`.
_OPTIONS = {
  'cpu': {
    # Products alone: with a transposed right side XLA's own take 2.5 times as long.
    'xla_cpu_experimental_ynn_fusion_type': 'LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT',
    # Without it XLA copies donated parameters and moments before it updates them: 10 % of a step.
    'xla_cpu_copy_insertion_use_region_analysis': True,
    # At most: processors with AVX-512 gain 5 % of a step, others keep their narrower vectors.
    'xla_cpu_prefer_vector_width': 512,
  },
  # The same bits each time: cuDNN's fastest gradients of a kernel add up in any order. Which of the
  # others is the fastest is measured when a program is compiled, and stays with it in the cache.
  'gpu': {'xla_gpu_exclude_nondeterministic_ops': True},
}


def cache_folder() -> pathlib.Path:
  """Where compiled programs stay between commands: $XDG_CACHE_HOME/jaxgan or ~/.cache/jaxgan."""
  return pathlib.Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'jaxgan'


def use_cache() -> None:
  """Lets JAX keep what it compiles in `cache_folder()`, for the next start of a command.

  Call it before anything is compiled. What the user chose comes first: JAX_COMPILATION_CACHE_DIR,
  or JAX's configuration. A folder that cannot be written costs the cache, not the run.
  """
  if jax.config.jax_compilation_cache_dir is not None:
    return
  folder = cache_folder()
  with contextlib.suppress(OSError):
    folder.mkdir(parents=True, exist_ok=True)
  if not (folder.is_dir() and os.access(folder, os.W_OK)):
    print(f'no compilation cache: cannot write to {folder}', file=sys.stderr)
    return
  jax.config.update('jax_compilation_cache_dir', str(folder))
  # All programs, not only those that take a second: the small ones of a start add up to one.
  if 'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS' not in os.environ:
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)


def jit(function, **arguments):
  """`jax.jit` with the compiler options of the default backend; for outermost functions only."""
  return jax.jit(function, compiler_options=compiler_options(jax.default_backend()), **arguments)


def traced_once(function):
  """A function that is traced once for arguments of the same shapes, wherever it is called.

  It leaves no mark on the programs that it is part of, unlike a `jit` inside another.
  """
  return jax.jit(function, inline=True)


@functools.cache
def compiler_options(platform: str) -> dict:
  """The options for a platform that the installed jaxlib knows."""
  options = _OPTIONS.get(platform, {})
  return {name: value for name, value in options.items() if _is_known(name, value)}


def _is_known(name: str, value) -> bool:
  """Compiles something small with an option: XLA refuses one that it does not know."""
  try:
    jax.jit(lambda x: x, compiler_options={name: value}).lower(0.0).compile()
  except jax.errors.JaxRuntimeError:
    return False
  return True
