"""evaluation.json: the file that every evaluation leaves, and the machine that it ran on."""

import json
import os
from pathlib import Path
import zipfile
import zlib

import jax
import numpy as np

from jaxgan import files
from jaxgan.errors import UserError

NAME = 'evaluation.json'


def machine() -> dict:
  """The fields of every protocol that say where its numbers were computed."""
  return {'hardware': _hardware(), 'jax': jax.__version__}


def write(folder: Path, evaluation: dict) -> None:
  """Writes an evaluation, whole or not at all.

  Args:
    folder: of the run or replica.
    evaluation: 'experiment', 'method', 'published', 'protocol', 'results', 'class_names',
      'train_counts' and 'notes'; the family of the method says what its results are.
  """
  files.replace(Path(folder) / NAME, json.dumps(evaluation, indent=2).encode())


def read_samples(path: Path, ndim: int, *names: str) -> tuple[np.ndarray, ...]:
  """Arrays of the npz of images that an evaluation leaves beside its file; the images come first.

  Raises:
    UserError: it is missing or damaged, or its images are not uint8 of so many axes.
  """
  try:
    with zipfile.ZipFile(path):  # NumPy would take anything else for a pickle.
      pass
    with np.load(path, allow_pickle=False) as saved:
      arrays = tuple(saved[name] for name in names)
    images = arrays[0]
    if images.dtype != np.uint8 or images.ndim != ndim or images.size == 0:
      raise ValueError(f'images are {images.dtype} {list(images.shape)}')
  except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
    raise UserError(
      f'{path} is damaged ({type(error).__name__}: {error}); run --mode=evaluate again'
    ) from error
  return arrays


def _hardware() -> str:
  """The devices of this process in words."""
  devices = jax.devices()
  if devices[0].platform == 'cpu':
    return f'{os.cpu_count()} CPU cores ({len(devices)} JAX devices)'
  return f'{len(devices)} x {devices[0].device_kind}'
