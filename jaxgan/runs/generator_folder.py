"""The folder of a saved generator: its files, and strict reading of config.json and the weights.

`jaxgan save` writes the folder, `jaxgan.from_pretrained` reads it. The weights are in the format
safetensors, which holds arrays only: reading a folder of somebody else runs no code of it.
"""

from collections.abc import Mapping
import hashlib
import json
import os
import pathlib
from typing import Any

import jax
import numpy as np
import pydantic
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from jaxgan.config import identity
from jaxgan.config.section import Section
from jaxgan.errors import UserError, first_line

CONFIG, WEIGHTS, CARD = 'config.json', 'model.safetensors', 'README.md'
PREVIEW, PROGRAM = 'preview.png', 'generator.jax_export'
FORMAT, VERSION = 'jaxgan.generator', 1
GENERATOR, LABELLER = 'generator', 'labeller'  # Prefixes of the names of weights.
# Fields of an experiment that name files of a machine; a saved configuration leaves them empty.
_PATHS = (
  'source', 'data_dir', 'split', 'workdir', 'folder', 'weights', 'inception_weights', 'prepared'
)  # fmt: skip


class Labeller(Section, strict=True):
  """The network that labels the images of a generator which reads no labels.

  Attributes:
    role: 'classifier', 'annotator' or 'recogniser'.
    class_names: the names of its classes or codes.
    image_shape: (H, W, C) of its training images.
    accuracy: on real test images; None if not measured.
    key: identifies its weights.
    config: the section `algorithm` of a classifier, or the configuration of a recogniser.
  """

  role: str
  class_names: tuple[str, ...]
  image_shape: tuple[int, int, int]
  accuracy: float | None
  key: str
  config: dict[str, Any]


class Content(Section, strict=True):
  """config.json of a saved generator.

  Attributes:
    format: marks the file.
    version: of the format.
    jaxgan: version of jaxgan that wrote the folder.
    jax: version of JAX.
    modules: modules outside of jaxgan that registered a part of the generator.
    experiment: name of the experiment.
    method: name of the method.
    step: of the checkpoint.
    replica: number of the replica.
    seed: of its training.
    data: identifies the training images.
    image_shape: (H, W, C).
    class_names: the classes of the training images.
    labelled: whether the training images have labels.
    label_names: the labels of generated images, classes or codes.
    labelled_by: origin of these labels.
    labeller: the network that gives them, if one does.
    weights_sha256: of model.safetensors.
    config: the configuration of the run, without paths.
  """

  format: str = FORMAT
  version: int = VERSION
  jaxgan: str
  jax: str
  modules: tuple[str, ...]
  experiment: str
  method: str
  step: int
  replica: int
  seed: int
  data: str
  image_shape: tuple[int, int, int]
  class_names: tuple[str, ...]
  labelled: bool
  label_names: tuple[str, ...]
  labelled_by: str
  labeller: Labeller | None
  weights_sha256: str
  config: dict[str, Any]


def is_saved(folder: pathlib.Path) -> bool:
  """Returns whether a folder holds a saved generator, whose config.json is not of a job."""
  return (folder / WEIGHTS).exists()


def without_paths(value: Any) -> Any:
  """Empties the fields of a configuration that name files of this machine."""
  if not isinstance(value, dict):
    return value
  return {
    name: '' if isinstance(part, str) and _is_path(name, part) else without_paths(part)
    for name, part in value.items()
  }


def _is_path(name, text) -> bool:
  return name in _PATHS or os.path.isabs(text) or text.startswith('~')


def named(tree: Any, prefix: str) -> dict[str, Any]:
  """Names the leaves of a tree: {'generator.ema.params.Dense_0.kernel': leaf, ...}."""
  leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
  return {
    f'{prefix}.{jax.tree_util.keystr(path, simple=True, separator=".")}': leaf
    for path, leaf in leaves
  }


def encode(weights: Mapping[str, np.ndarray]) -> bytes:
  """Encodes named arrays as a safetensors file."""
  arrays = {name: np.ascontiguousarray(array) for name, array in weights.items()}
  return safetensors.save(arrays, metadata={'format': 'jax'})


def sha256(data: bytes) -> str:
  """Returns the SHA-256 of a file's content in hexadecimal digits."""
  return hashlib.sha256(data).hexdigest()


def read_content(folder: pathlib.Path) -> Content:
  """Reads config.json of a saved generator.

  Raises:
    UserError: the folder or file is missing, damaged, or of another format or newer version.
  """
  path = folder / CONFIG
  if not folder.is_dir():
    raise UserError(
      f'{folder}: no such folder; expected a folder that jaxgan save has written, or USER/NAME of '
      'a model on the Hugging Face Hub.'
    )
  if not path.exists():
    raise UserError(f'{folder}: expected a folder that jaxgan save has written, found no {CONFIG}.')
  try:
    fields = json.loads(path.read_bytes())
  except (OSError, ValueError, RecursionError) as error:
    raise _damaged(path, first_line(error)) from error
  known = isinstance(fields, dict)
  if known and fields.get('format') != FORMAT:
    run = ' It is of a training run, which jaxgan.load opens.' if 'schema' in fields else ''
    raise UserError(f'{path}: expected "format": "{FORMAT}", as jaxgan save writes it.{run}')
  if known and isinstance(version := fields.get('version'), int) and version > VERSION:
    raise UserError(
      f'{path}: has version {version} of the format, this jaxgan reads up to {VERSION}: '
      'install a newer jaxgan.'
    )
  try:
    return Content.model_validate_json(path.read_bytes())
  except pydantic.ValidationError as error:
    first = error.errors()[0]
    place = '.'.join(map(str, first['loc'])) or 'the file'
    raise _damaged(path, f'{place}: {first["msg"]}') from error


def read_weights(
  folder: pathlib.Path, digest: str, expected: Mapping[str, jax.ShapeDtypeStruct]
) -> dict[str, np.ndarray]:
  """Reads model.safetensors.

  Args:
    folder: of the generator.
    digest: the SHA-256 that config.json records.
    expected: {name: shape and type} of exactly the arrays that the networks need.

  Returns:
    {name: array}.

  Raises:
    UserError: the file is missing or damaged, or holds other arrays.
  """
  path = folder / WEIGHTS
  try:
    data = path.read_bytes()
    arrays = safetensors.load(data)
  except OSError as error:
    raise _damaged(path, error.strerror or first_line(error)) from error
  except (SafetensorError, ValueError, KeyError, TypeError) as error:
    raise _damaged(path, first_line(error)) from error
  for name in sorted(expected.keys() | arrays.keys()):
    if name not in arrays:
      raise _damaged(path, f'{name} is missing')
    if name not in expected:
      raise _damaged(path, f'{name} is no array of this generator')
    own, wanted = arrays[name], expected[name]
    if own.shape != wanted.shape or own.dtype != wanted.dtype:
      is_now, was = (f'{a.dtype} {list(a.shape)}' for a in (own, wanted))
      raise _damaged(path, f'{name} is {is_now}, expected {was}')
  if sha256(data) != digest:
    raise _damaged(path, f'its SHA-256 differs from weights_sha256 in {CONFIG}')
  return arrays


def _damaged(path, reason) -> UserError:
  return UserError(f'{path} cannot be used ({reason}): copy or save the folder again')


assert CONFIG == identity.NAME  # So that the error above can tell both kinds of folder apart.
