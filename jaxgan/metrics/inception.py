"""The Inception-V3 of the FID, as Flax, with the weights that pytorch-fid publishes.

The network is the TensorFlow graph of 2015-12-05 that the FID was defined with.
It differs from the Inception-V3 of torchvision: average pools do not count the
padding, and the last block pools with a maximum. Module names are those of the
weights file, so that a tensor's name says where it goes.

See "Rethinking the Inception Architecture for Computer Vision" by Szegedy et al.
(2015), https://arxiv.org/abs/1512.00567, and https://github.com/mseitzer/pytorch-fid.
"""

import functools
import hashlib
import http.client
import os
import pathlib
import re
import tempfile
from typing import Any
import urllib.request

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics import torch_file
from jaxgan.system import files

WEIGHTS_NAME = 'pt_inception-2015-12-05-6726825d.pth'
WEIGHTS_URL = (
  'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/'
  'pt_inception-2015-12-05-6726825d.pth'
)
DEFAULT_FOLDER = '~/.cache/jaxgan'
FEATURE_DIM = 2048
IMAGE_SIZE = 299
_TIMEOUT_SECONDS = 30


class ConvBlock(nn.Module):
  """Convolution without bias, batch normalisation with stored statistics, ReLU."""

  features: int
  kernel: tuple[int, int]
  stride: int = 1
  padding: str = 'SAME'

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
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


def _conv(x, name, features, height, width=None, stride=1, padding='SAME'):
  return ConvBlock(features, (height, width or height), stride, padding, name=name)(x)


def _average_pool(x: jax.Array) -> jax.Array:
  return nn.avg_pool(x, (3, 3), (1, 1), 'SAME', count_include_pad=False)


def _max_pool(x: jax.Array) -> jax.Array:
  return nn.max_pool(x, (3, 3), (2, 2), 'VALID')


class InceptionA(nn.Module):
  """35x35 block: 1x1, 5x5 and double 3x3 branches and an average pool."""

  pool_features: int

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    one = _conv(x, 'branch1x1', 64, 1)
    five = _conv(x, 'branch5x5_1', 48, 1)
    five = _conv(five, 'branch5x5_2', 64, 5)
    three = _conv(x, 'branch3x3dbl_1', 64, 1)
    three = _conv(three, 'branch3x3dbl_2', 96, 3)
    three = _conv(three, 'branch3x3dbl_3', 96, 3)
    pool = _conv(_average_pool(x), 'branch_pool', self.pool_features, 1)
    return jnp.concatenate([one, five, three, pool], axis=-1)


class InceptionB(nn.Module):
  """35x35 -> 17x17 block."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    three = _conv(x, 'branch3x3', 384, 3, stride=2, padding='VALID')
    double = _conv(x, 'branch3x3dbl_1', 64, 1)
    double = _conv(double, 'branch3x3dbl_2', 96, 3)
    double = _conv(double, 'branch3x3dbl_3', 96, 3, stride=2, padding='VALID')
    return jnp.concatenate([three, double, _max_pool(x)], axis=-1)


class InceptionC(nn.Module):
  """17x17 block with 7x7 convolutions split into 1x7 and 7x1."""

  features: int

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    one = _conv(x, 'branch1x1', 192, 1)
    seven = _conv(x, 'branch7x7_1', self.features, 1)
    seven = _conv(seven, 'branch7x7_2', self.features, 1, 7)
    seven = _conv(seven, 'branch7x7_3', 192, 7, 1)
    double = _conv(x, 'branch7x7dbl_1', self.features, 1)
    double = _conv(double, 'branch7x7dbl_2', self.features, 7, 1)
    double = _conv(double, 'branch7x7dbl_3', self.features, 1, 7)
    double = _conv(double, 'branch7x7dbl_4', self.features, 7, 1)
    double = _conv(double, 'branch7x7dbl_5', 192, 1, 7)
    pool = _conv(_average_pool(x), 'branch_pool', 192, 1)
    return jnp.concatenate([one, seven, double, pool], axis=-1)


class InceptionD(nn.Module):
  """17x17 -> 8x8 block."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    three = _conv(x, 'branch3x3_1', 192, 1)
    three = _conv(three, 'branch3x3_2', 320, 3, stride=2, padding='VALID')
    seven = _conv(x, 'branch7x7x3_1', 192, 1)
    seven = _conv(seven, 'branch7x7x3_2', 192, 1, 7)
    seven = _conv(seven, 'branch7x7x3_3', 192, 7, 1)
    seven = _conv(seven, 'branch7x7x3_4', 192, 3, stride=2, padding='VALID')
    return jnp.concatenate([three, seven, _max_pool(x)], axis=-1)


class InceptionE(nn.Module):
  """8x8 block; the last one of the network pools with a maximum."""

  max_pool: bool

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    one = _conv(x, 'branch1x1', 320, 1)
    three = _conv(x, 'branch3x3_1', 384, 1)
    three_a = _conv(three, 'branch3x3_2a', 384, 1, 3)
    three_b = _conv(three, 'branch3x3_2b', 384, 3, 1)
    double = _conv(x, 'branch3x3dbl_1', 448, 1)
    double = _conv(double, 'branch3x3dbl_2', 384, 3)
    double_a = _conv(double, 'branch3x3dbl_3a', 384, 1, 3)
    double_b = _conv(double, 'branch3x3dbl_3b', 384, 3, 1)
    pool = nn.max_pool(x, (3, 3), (1, 1), 'SAME') if self.max_pool else _average_pool(x)
    pool = _conv(pool, 'branch_pool', 192, 1)
    return jnp.concatenate([one, three_a, three_b, double_a, double_b, pool], axis=-1)


class InceptionV3(nn.Module):
  """[N, 299, 299, 3] images in [-1, 1] -> [N, 2048] features of the last pool."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    x = _conv(x, 'Conv2d_1a_3x3', 32, 3, stride=2, padding='VALID')  # [N, 149, 149, 32]
    x = _conv(x, 'Conv2d_2a_3x3', 32, 3, padding='VALID')
    x = _conv(x, 'Conv2d_2b_3x3', 64, 3)
    x = _max_pool(x)  # [N, 73, 73, 64]
    x = _conv(x, 'Conv2d_3b_1x1', 80, 1, padding='VALID')
    x = _conv(x, 'Conv2d_4a_3x3', 192, 3, padding='VALID')
    x = _max_pool(x)  # [N, 35, 35, 192]
    x = InceptionA(32, name='Mixed_5b')(x)
    x = InceptionA(64, name='Mixed_5c')(x)
    x = InceptionA(64, name='Mixed_5d')(x)
    x = InceptionB(name='Mixed_6a')(x)  # [N, 17, 17, 768]
    x = InceptionC(128, name='Mixed_6b')(x)
    x = InceptionC(160, name='Mixed_6c')(x)
    x = InceptionC(160, name='Mixed_6d')(x)
    x = InceptionC(192, name='Mixed_6e')(x)
    x = InceptionD(name='Mixed_7a')(x)  # [N, 8, 8, 1280]
    x = InceptionE(max_pool=False, name='Mixed_7b')(x)
    x = InceptionE(max_pool=True, name='Mixed_7c')(x)
    return x.mean(axis=(1, 2))


def prepare(images: jax.Array) -> jax.Array:
  """Images as the network takes them: three channels, 299x299, [-1, 1].

  Bilinear interpolation between pixel centres, without smoothing when the image
  shrinks (torch: `interpolate(mode='bilinear', align_corners=False)`), then 2x - 1.

  Args:
    images: [N, H, W, C], C = 1 or 3; uint8, or floating point in [0, 1].

  Returns:
    [N, 299, 299, 3] float32.

  Raises:
    ValueError: another rank, number of channels or dtype.
  """
  images = jnp.asarray(images)
  if images.ndim != 4 or images.shape[-1] not in (1, 3):
    raise ValueError(f'images must be [N, H, W, C] with C = 1 or 3, got shape {images.shape}')
  if images.dtype == jnp.uint8:
    images = images.astype(jnp.float32) / 255
  elif jnp.issubdtype(images.dtype, jnp.floating):
    images = images.astype(jnp.float32)
  else:
    raise ValueError(f'images must be uint8 or floating point in [0, 1], got {images.dtype}')
  count, _, _, channels = images.shape
  size = (count, IMAGE_SIZE, IMAGE_SIZE, channels)
  images = 2 * jax.image.resize(images, size, 'bilinear', antialias=False) - 1
  return jnp.broadcast_to(images, (*size[:3], 3))


def features(variables: Any, images: jax.Array) -> jax.Array:
  """Inception features of images, the 2048 averages before the last layer; not compiled.

  Args:
    variables: network variables from `load_weights`.
    images: [N, H, W, C], C = 1 or 3; uint8, or floating point in [0, 1].

  Returns:
    [N, 2048] float32.

  Raises:
    ValueError: another rank, number of channels or dtype.
  """
  return InceptionV3().apply(variables, prepare(images))


def load_weights(path: str | pathlib.Path) -> dict[str, Any]:
  """Network variables from pytorch-fid's weights file.

  Kernels turn from torch's [out, in, h, w] into Flax's [h, w, in, out]. The
  classifier `fc.*` and the counters `*.num_batches_tracked` are left out.

  Args:
    path: a PyTorch state_dict file, see `find_weights`.

  Returns:
    {'params': ..., 'batch_stats': ...}, float32 numpy arrays.

  Raises:
    UserError: the file is damaged, or a tensor is missing, unknown or of the wrong
      shape.
  """
  tensors = {
    name: array
    for name, array in torch_file.read_state_dict(path).items()
    if not name.startswith('fc.') and not name.endswith('.num_batches_tracked')
  }
  shapes = _variable_shapes()
  names = {variable: _torch_name(variable) for variable in shapes}
  _refuse(path, 'lacks', names.values() - tensors.keys())
  _refuse(path, 'holds the unknown', tensors.keys() - names.values())
  flat = {}
  for variable, name in names.items():
    array = tensors[name]
    if variable[-1] == 'kernel' and array.ndim == 4:
      array = array.transpose(2, 3, 1, 0)
    if array.shape != shapes[variable]:
      raise UserError(
        f'{path}: tensor {name!r} has shape {tensors[name].shape}, which is not that of the FID'
        f' Inception-V3; use {WEIGHTS_NAME}'
      )
    flat[variable] = np.ascontiguousarray(array, np.float32)
  return flax.traverse_util.unflatten_dict(flat)


def find_weights(
  path_or_folder: str | pathlib.Path | None, download: bool = False
) -> pathlib.Path | None:
  """Where the weights file is, if it is anywhere.

  Args:
    path_or_folder: the file (ends in .pth or .pt), or the folder that holds
      `WEIGHTS_NAME`; None stands for `DEFAULT_FOLDER`.
    download: whether to fetch a missing file from `WEIGHTS_URL`.

  Returns:
    The file; None if it is missing and not to be had.

  Raises:
    UserError: the file, or what was downloaded, does not match its checksum, or
      the place to download to cannot be written.
  """
  path = files.expanded(path_or_folder or DEFAULT_FOLDER)
  if path.is_dir() or (path.suffix not in ('.pth', '.pt') and not path.is_file()):
    path = path / WEIGHTS_NAME
  if path.is_file():
    _verify(path, path.name, f'delete it and fetch {WEIGHTS_URL}')
    return path
  return path if download and _download(path) else None


def network_key(path: str | pathlib.Path) -> str:
  """Short name of the network and its weights, for the keys of cached statistics.

  Args:
    path: a weights file.

  Returns:
    'inception-v3-fid-' and the first 8 hex digits of the file's SHA-256.

  Raises:
    UserError: the file cannot be read.
  """
  return f'inception-v3-fid-{_sha256(pathlib.Path(path))[:8]}'


def _download(path: pathlib.Path) -> bool:
  """Fetches the weights to `path`, whole or not at all; False without network."""
  try:
    with urllib.request.urlopen(WEIGHTS_URL, timeout=_TIMEOUT_SECONDS) as response:
      content = response.read()
  except (OSError, http.client.HTTPException):
    return False
  temporary = None
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix='.part', delete=False) as file:
      temporary = pathlib.Path(file.name)
      file.write(content)
    _verify(temporary, WEIGHTS_NAME, f'the download of {WEIGHTS_URL} was damaged, try again')
    # Another process sees the whole file under its name or none.
    os.replace(temporary, path)
  except OSError as error:
    raise UserError(f'cannot save the weights as {path}: {error.strerror or error}') from error
  finally:
    if temporary is not None:
      temporary.unlink(missing_ok=True)
  return True


def _verify(path: pathlib.Path, name: str, remedy: str) -> None:
  """Compares the SHA-256 of `path` with the digits at the end of `name`, if it has any."""
  match = re.search(r'-([0-9a-f]{8})\.pth$', name)
  if match is None:
    return
  got = _sha256(path)[:8]
  if got != match[1]:
    raise UserError(
      f'{path} is damaged: its SHA-256 starts with {got}, expected {match[1]}; {remedy}'
    )


def _sha256(path: pathlib.Path) -> str:
  try:
    with path.open('rb') as file:
      return hashlib.file_digest(file, 'sha256').hexdigest()
  except OSError as error:
    raise UserError(f'cannot read the weights file {path}: {error.strerror or error}') from error


@functools.cache
def _variable_shapes() -> dict[tuple[str, ...], tuple[int, ...]]:
  """Path of every variable of the network -> its shape."""
  image = jax.ShapeDtypeStruct((1, IMAGE_SIZE, IMAGE_SIZE, 3), jnp.float32)
  variables = jax.eval_shape(InceptionV3().init, jax.random.key(0), image)
  return {name: v.shape for name, v in flax.traverse_util.flatten_dict(variables).items()}


def _torch_name(variable: tuple[str, ...]) -> str:
  """('params', 'Mixed_5b', 'branch1x1', 'bn', 'scale') -> 'Mixed_5b.branch1x1.bn.weight'."""
  _, *modules, leaf = variable
  leaves = {'kernel': 'weight', 'scale': 'weight', 'mean': 'running_mean', 'var': 'running_var'}
  return '.'.join([*modules, leaves.get(leaf, leaf)])


def _refuse(path: str | pathlib.Path, verb: str, names: set[str]) -> None:
  if names:
    raise UserError(
      f'{path} {verb} tensor {min(names)!r} ({len(names)} such in all), so it is not the FID'
      f' Inception-V3; use {WEIGHTS_NAME}'
    )
