"""Compilation: one `jit` with compiler options for every program, and the cache on disk.

On CPU, XLA delegates convolutions, products and reductions to YNNPACK by default. With jaxlib
0.10.2 the gradient of a convolution's kernel is then about ten times slower than XLA's own, and
some reductions are wrong (https://github.com/jax-ml/jax/issues/39103). The `jit` below leaves only
plain products to YNNPACK, if the installed jaxlib has the option.
"""

from collections.abc import Callable
import contextlib
import functools
import os
import pathlib
from typing import Any

import jax
from jax import export as jax_export

from jaxgan.system import messages

# By platform; CPU options were measured on two cores with the steps of `benchmarks/`.
_OPTIONS = {
  'cpu': {
    # Products only: XLA's own takes 2.5 times as long if the right operand is transposed.
    'xla_cpu_experimental_ynn_fusion_type': 'LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT',
    # Without it XLA copies donated parameters and moments before it updates them: 10 % of a step.
    'xla_cpu_copy_insertion_use_region_analysis': True,
    # An upper bound: processors with AVX-512 gain 5 % of a step, others keep narrower vectors.
    'xla_cpu_prefer_vector_width': 512,
  },
  # For bit-identical results: cuDNN's fastest kernel gradients add in arbitrary order. XLA measures
  # the deterministic ones when it compiles, and the choice stays in the cache.
  'gpu': {'xla_gpu_exclude_nondeterministic_ops': True},
}


def cache_folder() -> pathlib.Path:
  """Returns the folder of the compilation cache: $XDG_CACHE_HOME/jaxgan or ~/.cache/jaxgan."""
  return pathlib.Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'jaxgan'


def use_cache() -> None:
  """Caches compiled programs in `cache_folder()` for later commands.

  Call it before the first compilation. JAX_COMPILATION_CACHE_DIR and JAX's configuration take
  precedence. If the folder is not writable, the run continues without a cache.
  """
  if jax.config.jax_compilation_cache_dir is not None:
    return
  folder = cache_folder()
  with contextlib.suppress(OSError):
    folder.mkdir(parents=True, exist_ok=True)
  if not (folder.is_dir() and os.access(folder, os.W_OK)):
    messages.message(f'no compilation cache: cannot write to {folder}')
    return
  jax.config.update('jax_compilation_cache_dir', str(folder))
  # Include programs that compile in under a second (JAX's default limit): together they take one.
  if 'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS' not in os.environ:
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)


def folder_in_use() -> str | None:
  """Returns the folder or address of the compilation cache, or None without a cache."""
  return jax.config.jax_compilation_cache_dir


@functools.cache
def _hits() -> list[str]:
  """A list that grows by an event for each program that is found in the compilation cache."""
  found: list[str] = []

  def listen(event, **details):
    if event == '/jax/compilation_cache/cache_hits':
      found.append(event)

  jax.monitoring.register_event_listener(listen)
  return found


def programs_from_cache() -> int:
  """Returns how many programs were found in the compilation cache since the first call."""
  return len(_hits())


def jit(function: Callable, **arguments: Any) -> Any:
  """Applies `jax.jit` with the options of the default backend; for outermost functions only."""
  return jax.jit(function, compiler_options=compiler_options(jax.default_backend()), **arguments)


def exported(function: Callable, *arguments: Any) -> bytes:
  """Serialises a function as StableHLO for CPU, CUDA and TPU; `jax.export.deserialize` reads it.

  Args:
    function: of arrays; arrays that it closes over become constants of the program.
    *arguments: shapes and types of its arguments, whose leading axis is of any length.
  """
  scope = jax_export.SymbolicScope()

  def any_length(argument):
    shape = jax_export.symbolic_shape(f'n, {", ".join(map(str, argument.shape[1:]))}', scope=scope)
    return jax.ShapeDtypeStruct(shape, argument.dtype)

  export = jax_export.export(jax.jit(function), platforms=('cpu', 'cuda', 'tpu'))
  return bytes(export(*map(any_length, arguments)).serialize())


def traced_once(function: Callable) -> Callable:
  """Traces a function once per argument shapes, across all programs that call it.

  Unlike a nested `jit`, it leaves the compiled programs unchanged.
  """
  return jax.jit(function, inline=True)


@functools.cache
def compiler_options(platform: str) -> dict:
  """Returns the options of a platform that the installed jaxlib supports."""
  options = _OPTIONS.get(platform, {})
  return {name: value for name, value in options.items() if _is_known(name, value)}


def _is_known(name: str, value) -> bool:
  """Returns whether XLA accepts an option, by compiling a trivial program with it."""
  try:
    jax.jit(lambda x: x, compiler_options={name: value}).lower(0.0).compile()
  except jax.errors.JaxRuntimeError:
    return False
  return True
