"""Released weights: conversion from the arrays of a file to the variables of a network."""

from collections.abc import Callable, Mapping
import functools
from typing import Any

from flax import linen as nn
from flax import traverse_util
import jax
import numpy as np

from jaxgan.errors import UserError

# Flax's name of a variable -> PyTorch's name, if they differ.
_TORCH_LEAVES = {
  'kernel': 'weight',
  'scale': 'weight',
  'mean': 'running_mean',
  'var': 'running_var',
}


def torch_leaf(leaf: str) -> str:
  """PyTorch's name of a Flax variable, such as 'weight' for 'kernel'."""
  return _TORCH_LEAVES.get(leaf, leaf)


def shapes(
  network: nn.Module, image_shape: tuple[int, int, int], **mode: Any
) -> dict[tuple[str, ...], tuple[int, ...]]:
  """Shape of each variable of a network by its path, without allocating the variables.

  Args:
    network: a Flax module that reads images.
    image_shape: (H, W, C).
    **mode: keyword arguments of the network.
  """
  images = jax.ShapeDtypeStruct((1, *image_shape), np.float32)
  variables = jax.eval_shape(functools.partial(network.init, **mode), jax.random.key(0), images)
  leaves: dict[tuple[str, ...], Any] = traverse_util.flatten_dict(variables)
  return {path: leaf.shape for path, leaf in leaves.items()}


def place(shapes: Mapping, read: Callable, head: str = '') -> dict:
  """Builds the variables of a network, float32 on the host.

  Args:
    shapes: path of a variable -> shape, see `shapes`.
    read: `read(path, shape) -> array` of a variable; the path is without its collection.
    head: name of a layer that starts from zero instead.
  """
  variables = {}
  for path, shape in shapes.items():
    array = np.zeros(shape) if path[1] == head else read(path[1:], shape)
    variables[path] = np.ascontiguousarray(array, np.float32)
  return traverse_util.unflatten_dict(variables)


def array(
  arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], source: str
) -> np.ndarray:
  """Looks up an array and checks it.

  Args:
    arrays: name -> array.
    name: of the array.
    shape: the expected shape.
    source: name of the released weights, for error messages.

  Raises:
    UserError: the array is missing, has another shape or is not floating-point.
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


def torch_array(
  arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], source: str
) -> np.ndarray:
  """Looks up a PyTorch array as `array` does, and returns it with Flax's `shape`."""
  return from_torch(array(arrays, name, (*shape[:-3:-1], *shape[:-2]), source))


def from_torch(array: np.ndarray) -> np.ndarray:
  """Transposes a kernel `[out, in, ...]` to `[..., in, out]`; vectors do not change."""
  return array.transpose(*range(2, array.ndim), 1, 0) if array.ndim > 1 else array
