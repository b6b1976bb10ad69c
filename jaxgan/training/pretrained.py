"""Released weights that a classifier begins from, read from an npz or a PyTorch state_dict."""

from collections.abc import Callable
import pathlib
import zipfile
import zlib

import numpy as np

from jaxgan.algorithms.classifier import NETWORKS, PRETRAINED
from jaxgan.errors import UserError
from jaxgan.networks import torch_file
from jaxgan.system import files

# What numpy and zipfile raise at damage; the last two at a damaged method of compression or size.
_DAMAGE = (
  zipfile.BadZipFile,
  zlib.error,
  ValueError,
  TypeError,
  EOFError,
  NotImplementedError,
  MemoryError,
)


def variables(config, num_classes: int, field: str = 'algorithm.weights'):
  """What a network of PRETRAINED begins from: the released weights with a new head.

  Args:
    config: the `algorithm` section of a classifier; `weights` is the path of their file.
    num_classes: K of the new head.
    field: what error messages call `weights`.

  Returns:
    Variables of the network, on the host.

  Raises:
    UserError: no path is given, or the file cannot be read, or holds something else.
  """
  convert, url = PRETRAINED[config.network]
  advice = f'download {url} and name the file with --config.{field}=PATH'
  if not config.weights:
    raise UserError(f'config.{field} is empty, {config.network} begins from it: {advice}')
  network = NETWORKS[config.network](num_classes, config)
  path = files.expanded(config.weights)
  return read_arrays(path, f'config.{field}', lambda arrays: convert(arrays, network), advice)


def check(config, roles, workdir: pathlib.Path) -> None:
  """Refuses pretrained weights that cannot be read, before anything is prepared for them.

  Once a role's folder has a checkpoint, nobody needs its weights any more.

  Args:
    config: the experiment's.
    roles: the classifiers that it needs.
    workdir: has their folders.

  Raises:
    UserError: see `variables`.
  """
  for role in roles:
    section = getattr(config, role)
    algorithm = section.algorithm
    begun = any((workdir / role / 'checkpoints').glob('[0-9]*'))
    if algorithm.network in PRETRAINED and not getattr(section, 'folder', '') and not begun:
      variables(algorithm, 1, f'{role}.algorithm.weights')


def read_arrays(path: pathlib.Path, field: str, convert: Callable, advice: str):
  """convert(arrays) of the arrays in an npz or, named .pth or .pt, in a PyTorch state_dict.

  Args:
    path: of the file.
    field: that names it, for messages.
    convert: from the mapping of names to arrays; may raise a UserError.
    advice: what to do where the file is none of use.

  Raises:
    UserError: it cannot be read, is damaged, or `convert` refuses it.
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
