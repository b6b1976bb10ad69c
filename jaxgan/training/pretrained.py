"""Pretrained weights of classifiers, from an npz or a PyTorch state_dict."""

from collections.abc import Callable, Iterable, Mapping
import pathlib
from typing import Any
import zipfile
import zlib

import numpy as np

from jaxgan.algorithms.classifier import NETWORKS, PRETRAINED
from jaxgan.errors import UserError
from jaxgan.networks import torch_file
from jaxgan.system import files

# Errors of numpy and zipfile on damaged files; the last two mean a bad compression method or size.
_DAMAGE = (
  zipfile.BadZipFile,
  zlib.error,
  ValueError,
  TypeError,
  EOFError,
  NotImplementedError,
  MemoryError,
)


def variables(config: Any, num_classes: int, field: str = 'algorithm.weights') -> Any:
  """Initial variables of a network of PRETRAINED: the released weights with a new head.

  Args:
    config: the `algorithm` section of a classifier; `weights` is the path of the file.
    num_classes: K of the new head.
    field: the name of `weights` in messages.

  Returns:
    Variables of the network, on the host.

  Raises:
    UserError: no path is given, or the file is unreadable or holds something else.
  """
  convert, url = PRETRAINED[config.network]
  advice = f'download {url} and name the file with --config.{field}=PATH'
  if not config.weights:
    raise UserError(f'config.{field} is empty, but {config.network} needs its weights: {advice}')
  network = NETWORKS[config.network](num_classes, config)
  path = files.expanded(config.weights)
  return read_arrays(path, f'config.{field}', lambda arrays: convert(arrays, network), advice)


def check(config: Any, roles: Iterable[str], workdir: pathlib.Path) -> None:
  """Refuses unreadable pretrained weights before any data set is prepared.

  A classifier with a checkpoint no longer needs its pretrained weights.

  Args:
    config: of the experiment.
    roles: the classifiers that it needs.
    workdir: the folder of their folders.

  Raises:
    UserError: see `variables`.
  """
  for role in roles:
    section = getattr(config, role)
    algorithm = section.algorithm
    begun = any((workdir / role / 'checkpoints').glob('[0-9]*'))
    if algorithm.network in PRETRAINED and not getattr(section, 'folder', '') and not begun:
      variables(algorithm, 1, f'{role}.algorithm.weights')


def read_arrays(
  path: pathlib.Path, field: str, convert: Callable[[Mapping], Any], advice: str
) -> Any:
  """Reads and converts the arrays of an npz or, from .pth and .pt, of a PyTorch state_dict.

  Args:
    path: of the file.
    field: the config field of the file, for messages.
    convert: takes {name: array}; may raise a UserError.
    advice: the end of messages: how to get a usable file.

  Returns:
    The result of `convert`.

  Raises:
    UserError: the file cannot be read, is damaged, or `convert` refuses it.
  """
  try:
    if path.suffix in ('.pth', '.pt'):
      return convert(_state_dict(path, advice))
    with np.load(path, allow_pickle=False) as arrays:
      return convert(arrays)
  except UserError as error:
    raise UserError(f'{field}={path}: {error}') from error
  except OSError as error:
    reason = error.strerror or error
    raise UserError(f'{field}={path} cannot be read ({reason}): {advice}') from error
  except _DAMAGE as error:
    raise UserError(f'{field}={path} is not an npz of arrays, or damaged: {advice}') from error


def _state_dict(path, advice) -> dict[str, np.ndarray]:
  try:
    return torch_file.read_state_dict(path)
  except UserError as error:
    raise UserError(f'{str(error).removeprefix(f"{path}: ")}: {advice}') from error
