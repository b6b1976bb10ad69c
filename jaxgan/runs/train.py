"""Training from Python, with the guarantees of the command `jaxgan train`."""

from collections.abc import Iterator, Mapping
import contextlib
import math
import os
from typing import Any

from absl import logging as absl_logging

from jaxgan.config import overrides
from jaxgan.errors import UserError
from jaxgan.runs import execute, experiment_file
from jaxgan.runs.experiment import Experiment, resolved, work_directory
from jaxgan.runs.run import Run, load
from jaxgan.system import compilation, files, messages, registry, stopping


def train(
  experiment: str | os.PathLike[str] | Experiment,
  changes: Mapping[str, Any] | None = None,
  workdir: str | os.PathLike[str] = '',
) -> Run:
  """Trains an experiment and evaluates it, as `jaxgan train` does; the same call resumes it.

  Finished parts are kept. An interrupt, such as the stop button of a notebook, saves a checkpoint
  and raises KeyboardInterrupt.

  Args:
    experiment: an experiment file, such as 'experiments/fashion_lt.py:method=cgan', or an
      Experiment.
    changes: {field: value}, such as {'train.steps': 200}.
    workdir: the work directory; by default `config.workdir`.

  Returns:
    The Run of the last method; `jaxgan.load(run.workdir, method)` opens the others.

  Raises:
    UserError: an unknown field or a value that is not allowed, a file that cannot be used, a work
      directory that another process uses, or any other refusal of `jaxgan plan`.
    KeyboardInterrupt: a signal stopped the training.

  Example:
    run = jaxgan.train('experiments/fashion_lt.py', {'train.steps': 200}, workdir='runs/short')
  """
  registry.refuse_while_running('jaxgan.train')
  if isinstance(experiment, Experiment):
    registry.load_plugins()
    config = experiment
  else:
    config = experiment_file.read(os.fspath(experiment), 'experiment')
  config = resolved(overrides.changed(config, changes or {}))
  if not (workdir or config.workdir):
    raise UserError('workdir is missing: name a work directory, such as runs/fashion_lt')
  folder = files.expanded(workdir or work_directory(config))
  compilation.use_cache()
  with _quiet(), stopping.at_once(), messages.stage('jaxgan.train', after=math.inf):
    table = execute.run(config, folder)
  if files.is_writer():
    print(table, flush=True)
  return load(folder, config.methods[-1])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Silences Orbax, which warns of every unranked checkpoint."""
  before = absl_logging.get_verbosity()
  absl_logging.set_verbosity(absl_logging.FATAL)
  try:
    yield
  finally:
    absl_logging.set_verbosity(before)
