"""The Inception-V3 of the FID in Flax, with the weights that pytorch-fid publishes.

The network is the TensorFlow graph of 2015-12-05, which defines the FID.
It differs from the Inception-V3 of torchvision: average pools do not count the
padding, and the last block has a max-pool. Modules have the names
of the weights file, so each tensor is placed by its name.

See "Rethinking the Inception Architecture for Computer Vision" by Szegedy et al.
(2015), https://arxiv.org/abs/1512.00567, and https://github.com/mseitzer/pytorch-fid.
"""

from collections.abc import Callable
import contextlib
import functools
import hashlib
import http.client
import os
import pathlib
import re
from typing import Any, cast
import urllib.request

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks import released, torch_file
from jaxgan.system import files

WEIGHTS_NAME = 'pt_inception-2015-12-05-6726825d.pth'
WEIGHTS_URL = (
  'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/'
  'pt_inception-2015-12-05-6726825d.pth'
)
DEFAULT_FOLDER = '~/.cache/jaxgan'
IMAGE_SIZE = 299
_TIMEOUT_SECONDS = 30


class ConvBlock(nn.Module):
  """Convolution without bias, batch norm with stored statistics, ReLU."""

  features: int
  kernel: tuple[int, int]
  stride: int = 1
  padding: str = 'SAME'

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Applies the block."""
    x = nn.Conv(
      self.features,
      self.kernel,
      self.stride,
      self.padding,
      use_bias=False,
      # Accelerators would otherwise multiply in TF32 or bfloat16 and shift the FID.
      precision=jax.lax.Precision.HIGHEST,
      name='conv',
    )(x)
    x = nn.BatchNorm(use_running_average=True, epsilon=1e-3, name='bn')(x)
    return nn.relu(x)


def _conv(name, features, height, width=None, stride=1, padding='SAME'):
  """A ConvBlock as a function of `[N, H, W, C]`, to be called inside a module."""
  return lambda x: ConvBlock(features, (height, width or height), stride, padding, name=name)(x)


def _chain(*layers):
  """A layer that applies layers in sequence."""
  return lambda x: functools.reduce(lambda x, layer: layer(x), layers, x)


def _joined(*branches):
  """A layer that concatenates the channels of its branches."""
  return lambda x: jnp.concatenate([branch(x) for branch in branches], axis=-1)


class Block(nn.Module):
  """A scope that prefixes the variables of a layer with the name of the block."""

  layer: Callable

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Applies the layer."""
    return self.layer(x)


def _named(name, *branches):
  return lambda x: Block(_joined(*branches), name=name)(x)


def _average_pool(x: jax.Array) -> jax.Array:
  return nn.avg_pool(x, (3, 3), (1, 1), 'SAME', count_include_pad=False)


def _max_pool(x: jax.Array) -> jax.Array:
  return nn.max_pool(x, (3, 3), (1, 1), 'SAME')


def _halving(x: jax.Array) -> jax.Array:
  return nn.max_pool(x, (3, 3), (2, 2), 'VALID')


def _block_a(name, pool_features):
  """35x35 block: 1x1, 5x5 and double 3x3 branches and an average pool."""
  return _named(
    name,
    _conv('branch1x1', 64, 1),
    _chain(_conv('branch5x5_1', 48, 1), _conv('branch5x5_2', 64, 5)),
    _chain(
      _conv('branch3x3dbl_1', 64, 1),
      _conv('branch3x3dbl_2', 96, 3),
      _conv('branch3x3dbl_3', 96, 3),
    ),
    _chain(_average_pool, _conv('branch_pool', pool_features, 1)),
  )


def _block_b(name):
  """35x35 -> 17x17 block."""
  return _named(
    name,
    _conv('branch3x3', 384, 3, stride=2, padding='VALID'),
    _chain(
      _conv('branch3x3dbl_1', 64, 1),
      _conv('branch3x3dbl_2', 96, 3),
      _conv('branch3x3dbl_3', 96, 3, stride=2, padding='VALID'),
    ),
    _halving,
  )


def _block_c(name, features):
  """17x17 block with 7x7 convolutions split into 1x7 and 7x1."""
  return _named(
    name,
    _conv('branch1x1', 192, 1),
    _chain(
      _conv('branch7x7_1', features, 1),
      _conv('branch7x7_2', features, 1, 7),
      _conv('branch7x7_3', 192, 7, 1),
    ),
    _chain(
      _conv('branch7x7dbl_1', features, 1),
      _conv('branch7x7dbl_2', features, 7, 1),
      _conv('branch7x7dbl_3', features, 1, 7),
      _conv('branch7x7dbl_4', features, 7, 1),
      _conv('branch7x7dbl_5', 192, 1, 7),
    ),
    _chain(_average_pool, _conv('branch_pool', 192, 1)),
  )


def _block_d(name):
  """17x17 -> 8x8 block."""
  return _named(
    name,
    _chain(_conv('branch3x3_1', 192, 1), _conv('branch3x3_2', 320, 3, stride=2, padding='VALID')),
    _chain(
      _conv('branch7x7x3_1', 192, 1),
      _conv('branch7x7x3_2', 192, 1, 7),
      _conv('branch7x7x3_3', 192, 7, 1),
      _conv('branch7x7x3_4', 192, 3, stride=2, padding='VALID'),
    ),
    _halving,
  )


def _block_e(name, pool):
  """8x8 block."""
  return _named(
    name,
    _conv('branch1x1', 320, 1),
    _chain(
      _conv('branch3x3_1', 384, 1),
      _joined(_conv('branch3x3_2a', 384, 1, 3), _conv('branch3x3_2b', 384, 3, 1)),
    ),
    _chain(
      _conv('branch3x3dbl_1', 448, 1),
      _conv('branch3x3dbl_2', 384, 3),
      _joined(_conv('branch3x3dbl_3a', 384, 1, 3), _conv('branch3x3dbl_3b', 384, 3, 1)),
    ),
    _chain(pool, _conv('branch_pool', 192, 1)),
  )


_LAYERS = _chain(
  _conv('Conv2d_1a_3x3', 32, 3, stride=2, padding='VALID'),  # [N, 149, 149, 32]
  _conv('Conv2d_2a_3x3', 32, 3, padding='VALID'),
  _conv('Conv2d_2b_3x3', 64, 3),
  _halving,  # [N, 73, 73, 64]
  _conv('Conv2d_3b_1x1', 80, 1, padding='VALID'),
  _conv('Conv2d_4a_3x3', 192, 3, padding='VALID'),
  _halving,  # [N, 35, 35, 192]
  _block_a('Mixed_5b', 32),
  _block_a('Mixed_5c', 64),
  _block_a('Mixed_5d', 64),
  _block_b('Mixed_6a'),  # [N, 17, 17, 768]
  _block_c('Mixed_6b', 128),
  _block_c('Mixed_6c', 160),
  _block_c('Mixed_6d', 160),
  _block_c('Mixed_6e', 192),
  _block_d('Mixed_7a'),  # [N, 8, 8, 1280]
  _block_e('Mixed_7b', _average_pool),
  _block_e('Mixed_7c', _max_pool),
)


class InceptionV3(nn.Module):
  """[N, 299, 299, 3] images in [-1, 1] -> [N, 2048] features of the last pool."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Returns the features."""
    return _LAYERS(x).mean(axis=(1, 2))


def prepare(images: jax.Array) -> jax.Array:
  """Converts images to the network's input: three channels, 299x299, [-1, 1].

  Bilinear interpolation between pixel centres, without smoothing of larger
  images (torch: `interpolate(mode='bilinear', align_corners=False)`), then 2x - 1.

  Args:
    images: [N, H, W, C], C = 1 or 3; uint8, or floating point in [0, 1].

  Returns:
    [N, 299, 299, 3] float32.

  Raises:
    ValueError: the images have another shape or type.
  """
  if images.shape[3:] not in ((1,), (3,)):
    raise ValueError(
      f'images of shape {images.shape}: expected [N, H, W, C] with C = 1 or 3, for example '
      '(64, 32, 32, 3)'
    )
  if images.dtype != jnp.uint8 and not jnp.issubdtype(images.dtype, jnp.floating):
    raise ValueError(f'images of type {images.dtype}: expected uint8, or floating point in [0, 1]')
  images = jnp.asarray(images, jnp.float32) / (255 if images.dtype == jnp.uint8 else 1)
  count, _, _, channels = images.shape
  size = (count, IMAGE_SIZE, IMAGE_SIZE, channels)
  images = 2 * jax.image.resize(images, size, 'bilinear', antialias=False) - 1
  return jnp.broadcast_to(images, (*size[:3], 3))


def features(variables: Any, images: jax.Array) -> jax.Array:
  """Inception features of images, the 2048 averages before the last layer; not jitted.

  Args:
    variables: network variables from `load_weights`.
    images: [N, H, W, C], C = 1 or 3; uint8, or floating point in [0, 1].

  Returns:
    [N, 2048] float32.
  """
  return cast(jax.Array, InceptionV3().apply(variables, prepare(images)))


def load_weights(path: str | pathlib.Path) -> dict[str, Any]:
  """Reads network variables from pytorch-fid's weights file.

  Kernels are transposed from torch's [out, in, h, w] to Flax's [h, w, in, out].
  The classifier `fc.*` and the counters `*.num_batches_tracked` are left out.

  Args:
    path: a PyTorch state_dict file, see `find_weights`.

  Returns:
    {'params': ..., 'batch_stats': ...}, float32 numpy arrays.

  Raises:
    UserError: the file is damaged, or a tensor is missing, unknown or has the wrong
      shape.
  """
  tensors = {
    name: array
    for name, array in torch_file.read_state_dict(path).items()
    if not name.startswith('fc.') and not name.endswith('.num_batches_tracked')
  }
  shapes = released.shapes(InceptionV3(), (IMAGE_SIZE, IMAGE_SIZE, 3))
  names = {variable_name(path[1:]) for path in shapes}
  for verb, wrong in (
    ('lacks', names - tensors.keys()),
    ('holds the unknown', tensors.keys() - names),
  ):
    if wrong:
      raise UserError(
        f'{path} {verb} tensor {min(wrong)!r} ({len(wrong)} in all): expected the FID'
        f' Inception-V3, {WEIGHTS_NAME}'
      )

  def read(variable, shape):
    name = variable_name(variable)
    array = released.from_torch(tensors[name])
    if array.shape != shape:
      raise UserError(
        f'{path}: tensor {name!r} of shape {tensors[name].shape}: expected the FID Inception-V3,'
        f' {WEIGHTS_NAME}'
      )
    return array

  return released.place(shapes, read)


def variable_name(path: tuple[str, ...]) -> str:
  """Name of a variable in the weights file.

  ('Mixed_5b', 'branch1x1', 'bn', 'scale') is `Mixed_5b.branch1x1.bn.weight`.
  """
  *modules, leaf = path
  return '.'.join([*modules, released.torch_leaf(leaf)])


def find_weights(
  path_or_folder: str | pathlib.Path | None, download: bool = False
) -> pathlib.Path | None:
  """Finds the weights file, and downloads it on request.

  Args:
    path_or_folder: the file (ends in .pth or .pt), or the folder that holds
      `WEIGHTS_NAME`; None stands for `DEFAULT_FOLDER`.
    download: whether to download a missing file from `WEIGHTS_URL`.

  Returns:
    The file; None if it is missing and not downloaded.

  Raises:
    UserError: the file or the download does not match its checksum, or the
      download cannot be saved.
  """
  path = files.expanded(path_or_folder or DEFAULT_FOLDER)
  if path.is_dir() or (path.suffix not in ('.pth', '.pt') and not path.is_file()):
    path = path / WEIGHTS_NAME
  if path.is_file():
    _verify(path, path.name, torch_file.content(path), f'delete it and fetch {WEIGHTS_URL}')
    return path
  return path if download and _download(path) else None


def network_key(path: str | pathlib.Path) -> str:
  """Short name of the network and its weights, for keys of cached statistics.

  Args:
    path: a weights file.

  Returns:
    'inception-v3-fid-' and the first 8 hex digits of the file's SHA-256.

  Raises:
    UserError: the file cannot be read.
  """
  return f'inception-v3-fid-{_digest(torch_file.content(path))}'


def _download(path: pathlib.Path) -> bool:
  """Downloads the weights to `path`, completely or not at all; False without network."""
  try:
    with urllib.request.urlopen(WEIGHTS_URL, timeout=_TIMEOUT_SECONDS) as response:
      content = response.read()
  except (OSError, http.client.HTTPException):
    return False
  _verify(path, WEIGHTS_NAME, content, f'the download of {WEIGHTS_URL} was damaged, try again')
  temporary = path.with_name(f'{path.name}.{os.getpid()}.part')
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(content)
    # Atomic: another process sees the complete file or none.
    os.replace(temporary, path)
  except OSError as error:
    raise UserError(f'cannot save the weights as {path}: {error.strerror or error}') from error
  finally:
    with contextlib.suppress(OSError):
      temporary.unlink()
  return True


def _verify(path: pathlib.Path, name: str, content: bytes, remedy: str) -> None:
  """Compares the SHA-256 of `content` with the hex digits at the end of `name`, if any."""
  match = re.search(r'-([0-9a-f]{8})\.pth$', name)
  got = _digest(content)
  if match and got != match[1]:
    raise UserError(
      f'{path} is damaged: its SHA-256 starts with {got}, expected {match[1]}; {remedy}'
    )


def _digest(content: bytes) -> str:
  return hashlib.sha256(content).hexdigest()[:8]
