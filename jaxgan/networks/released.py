"""Released weights: how the arrays of a file become the variables of a network."""

from collections.abc import Callable, Mapping
import functools

from flax import traverse_util
import jax
import numpy as np

from jaxgan.errors import UserError

# Flax's name of a variable -> PyTorch's, where they differ.
_TORCH_LEAVES = {
  'kernel': 'weight',
  'scale': 'weight',
  'mean': 'running_mean',
  'var': 'running_var',
}


def torch_leaf(leaf: str) -> str:
  """PyTorch's name of a variable: 'weight' of 'kernel'."""
  return _TORCH_LEAVES.get(leaf, leaf)


def shapes(network, image_shape, **mode) -> dict[tuple[str, ...], tuple[int, ...]]:
  """The shape of each variable of a network by its path, without making the variables.

  Args:
    network: a Flax module that takes images.
    image_shape: (H, W, C).
    mode: keyword arguments of the network.
  """
  images = jax.ShapeDtypeStruct((1, *image_shape), np.float32)
  variables = jax.eval_shape(functools.partial(network.init, **mode), jax.random.key(0), images)
  return {path: leaf.shape for path, leaf in traverse_util.flatten_dict(variables).items()}


def place(shapes: Mapping, read: Callable, head: str = '') -> dict:
  """The variables of a network, float32 on the host.

  Args:
    shapes: of the variables by their paths, see `shapes`.
    read: `read(path, shape) -> array` of a variable, whose path is without its collection.
    head: name of a layer that starts from zero instead.
  """
  variables = {}
  for path, shape in shapes.items():
    array = np.zeros(shape) if path[1] == head else read(path[1:], shape)
    variables[path] = np.ascontiguousarray(array, np.float32)
  return traverse_util.unflatten_dict(variables)


def array(arrays: Mapping[str, np.ndarray], name: str, shape, source: str) -> np.ndarray:
  """Looks up an array and checks it.

  Args:
    arrays: name -> array.
    name: of the array.
    shape: the expected one.
    source: name of the released weights, for messages.

  Raises:
    UserError: the array is missing, of another shape or not of floating-point numbers.
  """
  if name not in arrays:
    raise UserError(f'{name} is missing: give the weights of {source}')
  found = np.asarray(arrays[name])
  if found.shape != shape or found.dtype.kind != 'f':
    raise UserError(
      f'{name} must be floating-point numbers of shape {shape}, not {found.dtype} of shape '
      f'{found.shape}: give the weights of {source}'
    )
  return found


def torch_array(arrays: Mapping[str, np.ndarray], name: str, shape, source: str) -> np.ndarray:
  """As `array`, of Flax's shape: PyTorch has kernels `[out, in, h, w]` for `[h, w, in, out]`."""
  return from_torch(array(arrays, name, (*shape[:-3:-1], *shape[:-2]), source))


def from_torch(array: np.ndarray) -> np.ndarray:
  """A kernel `[out, in, ...]` as `[..., in, out]`, a vector as it is."""
  return array.transpose(*range(2, array.ndim), 1, 0) if array.ndim > 1 else array
