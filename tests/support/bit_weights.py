"""Random weights in the layout of BiT-M-R50x1.npz, and a small network of that kind."""

from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.networks import bit


def small(num_classes: int, stages=(1, 1), dtype=jnp.float32) -> bit.ResNetV2:
  """Stages of one unit each, half as wide: compiles in seconds."""
  return bit.ResNetV2(num_classes, width=32, stages=stages, dtype=dtype)


def arrays(network: bit.ResNetV2, draw=None, head: bool = False) -> dict[str, np.ndarray]:
  """Name in the npz -> array, for a network of any width and stages.

  Args:
    network: gives the shapes.
    draw: `draw(shape) -> array`; by default normal numbers about 1, so that order and sign matter.
    head: with the head of the upstream classes.
  """
  rng = np.random.default_rng(0)
  draw = draw or (lambda shape: rng.normal(1.0, 0.5, shape).astype(np.float32))
  shapes = jax.eval_shape(
    lambda: network.init(jax.random.key(0), jnp.zeros((1, 64, 64, 3)), train=False)
  )['params']
  flat = traverse_util.flatten_dict(shapes)
  named = {bit.released_name(p): draw(leaf.shape) for p, leaf in flat.items() if p[0] != 'head'}
  if head:
    kernel = flat['head', 'kernel'].shape
    named['resnet/head/conv2d/kernel'] = draw((1, 1, *kernel))
    named['resnet/head/conv2d/bias'] = draw((kernel[1],))
  return named
