"""How XLA compiles: one `jit` for every program of the package, and the cache on disk.

On CPU, XLA hands convolutions, products and reductions to YNNPACK by default. With jaxlib 0.10.2
the gradient of a convolution's kernel is then about ten times slower than XLA's own, and some
reductions are wrong (https://github.com/jax-ml/jax/issues/39103). So every program is compiled by
the `jit` below, which turns that off where the jaxlib at hand knows how to.
"""

import functools

import jax

# By platform. Region analysis: without it XLA copies donated parameters and moments before it
# updates them, 10 % of a step.
_OPTIONS = {
  'cpu': {
    'xla_cpu_experimental_ynn_fusion_type': 'LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT',
    'xla_cpu_copy_insertion_use_region_analysis': True,
    'xla_cpu_prefer_vector_width': 512,
  },
}


def jit(function, **arguments):
  """`jax.jit` with the compiler options of the default backend; for outermost functions only."""
  return jax.jit(function, compiler_options=compiler_options(jax.default_backend()), **arguments)


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
