"""evaluation.json: the file that every evaluation leaves, and the machine that it ran on."""

import json
import os
from pathlib import Path

import jax

from jaxgan import files

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


def _hardware() -> str:
  """The devices of this process in words."""
  devices = jax.devices()
  if devices[0].platform == 'cpu':
    return f'{os.cpu_count()} CPU cores ({len(devices)} JAX devices)'
  return f'{len(devices)} x {devices[0].device_kind}'
