"""A run in a work directory, for notebooks and the command line: its metrics, images and numbers.

    import jaxgan
    run = jaxgan.load('runs/fashion_lt')
    images, labels = run.sample(1000, balanced=True)
    run.evaluate()['results']
    run.metrics

Loading reads the configuration and nothing else. Networks, checkpoint and data come with the first
image or evaluation, and stay.
"""

import functools
import pathlib

import jax
import numpy as np

from jaxgan.algorithms import replicate
from jaxgan.config import identity
from jaxgan.data import sources
from jaxgan.errors import UserError
from jaxgan.runs import families
from jaxgan.runs.experiment import Experiment, resolved
from jaxgan.system import files
from jaxgan.training import logging


def load(workdir, method: str = '', checkpoint='', replica: int = 0, config=None) -> 'Run':
  """Opens a run of a work directory.

  Args:
    workdir: the work directory of an experiment, such as 'runs/fashion_lt'.
    method: which of its methods; by default the last one.
    checkpoint: 'latest', 'best' or a step; by default what the run's configuration says.
    replica: which of the replicas.
    config: read instead of what the run remembers; only what evaluation alone reads may differ.

  Returns:
    The Run.

  Raises:
    UserError: no run there, or no such method or replica.
  """
  workdir = files.expanded(workdir)
  for folder in [workdir / method] if method else sorted(workdir.glob('*')):
    if (folder / identity.NAME).exists():
      identity.content(folder)  # Imports what registered the method.
  trained = [m for m in families.all_methods() if (workdir / m / identity.NAME).exists()]
  if not trained:
    raise UserError(f'{workdir} holds no run: name the work directory of one, as runs/fashion_lt')
  method = method or (config.methods[-1] if config else trained[-1])
  if method not in trained:
    raise UserError(
      f'{workdir} holds no run of method {method!r}: the methods there are {", ".join(trained)}'
    )
  config = resolved(config or families.remembered(workdir / method))
  return Run(sources.with_prepared(config, workdir), workdir, method, checkpoint, replica)


class Run:
  """A trained method: its metrics, and images and numbers of one of its checkpoints.

  Nothing here changes the state of training. A run that trains on has later checkpoints: load it
  again to see them.

  Attributes:
    config: the configuration.
    workdir: the work directory.
    method: the name of the method.
    checkpoint: 'latest', 'best' or a step.
    replica: which of the replicas.
    folder: where the run, or its replica, has its metrics, pictures and evaluation.
  """

  def __init__(
    self,
    config: Experiment,
    workdir: pathlib.Path,
    method: str,
    checkpoint='',
    replica: int = 0,
  ):
    """Reads nothing yet; see `load`."""
    self.config, self.workdir, self.method, self.replica = config, workdir, method, replica
    folders = logging.replica_folders(workdir / method, config.replicas)
    if replica not in range(len(folders)):
      raise UserError(f'replica={replica}: the run has replicas 0 .. {len(folders) - 1}')
    self.folder = folders[replica]
    self.checkpoint = str(checkpoint) or config.evaluation.checkpoint
    self._samplers = {}

  def __repr__(self):
    return f'<Run of {self.method}, checkpoint {self.checkpoint}, in {self.folder}>'

  @property
  def metrics(self) -> list[dict]:
    """The rows of metrics.jsonl as they are now: {'step': int, name: number, list or None}."""
    return logging.read_metrics(self.folder)

  @property
  def step(self) -> int:
    """The step of the checkpoint."""
    return self.restored[0]

  @property
  def label_names(self) -> tuple[str, ...]:
    """The names of the labels that `sample` returns: classes or codes."""
    return self.sampler(balanced=False)[1]

  @property
  def labelled_by(self) -> str:
    """What gives the labels that `sample` returns: the classifier's key, or the codes."""
    return self.sampler(balanced=False)[2]

  def sample(
    self, num_images: int, balanced: bool = False, seed: int = 0
  ) -> tuple[np.ndarray, np.ndarray]:
    """Draws images, labelled by the classifier or, with codes, by their codes.

    Args:
      num_images: how many.
      balanced: equal numbers of every class or code (up to one), the first that are drawn.
      seed: of the noise; the same seed gives the same images.

    Returns:
      (images uint8 `[N, H, W, C]`, labels int `[N]`, positions in `label_names`).

    Raises:
      UserError: no such checkpoint, or a class that hardly ever comes.
    """
    from jaxgan.runs import sampling

    sample, names, _ = self.sampler(balanced)
    batch_size = self.config.evaluation.batch_size
    return sampling.draw(sample, names, num_images, balanced, seed, batch_size)

  def export(
    self,
    out,
    contents: str = 'synthetic',
    format: str = 'folders',
    images_per_class: int | None = None,
    seed: int = 0,
  ) -> dict:
    """Writes a data set with as many images of every class to a new folder; see `exporting`.

    Args:
      out: the folder; nothing is overwritten.
      contents: 'synthetic', generated images alone, or 'topped_up', the training images and as many
        generated ones as their classes lack.
      format: 'folders' of PNGs, 'npz' or 'tfds'.
      images_per_class: by default as many as the largest class has for training.
      seed: of the noise; the same seed gives the same files.

    Returns:
      What export.json in the folder holds.

    Raises:
      UserError: no such contents, format or checkpoint, or a class that hardly ever comes.
    """
    from jaxgan.runs import exporting

    return exporting.export(self, out, contents, format, images_per_class, seed)

  def evaluate(self) -> dict:
    """Measures the checkpoint as `jaxgan evaluate` does; trains and writes nothing.

    So there is no classification accuracy score, which trains a classifier: its value is None.

    Returns:
      What evaluation.json would hold: 'settings', 'results' and more.

    Raises:
      UserError: no such checkpoint.
    """
    step, states = self.restored
    evaluation = self.inputs.evaluation(self.method)
    with jax.set_mesh(self.inputs.mesh):
      record = evaluation.measure(step, replicate.take(states, self.replica), self.replica)
    return record.model_dump(mode='json')

  @functools.cached_property
  def inputs(self):
    """The `jaxgan.runs.inputs.Inputs`: data, classifier and annotator; nothing is trained."""
    from jaxgan.runs import inputs, plan

    return inputs.load(*plan.prepared(self.config, self.workdir, (self.method,)))

  @functools.cached_property
  def restored(self):
    """(step, states of all replicas) of the checkpoint."""
    return self.inputs.restore(self.method, self.checkpoint)

  def sampler(self, balanced: bool):
    """`sample(rng, num_images)` of this checkpoint and replica, label names, source of the labels.

    See `jaxgan.evaluation.evaluate.Evaluation.sampler`; kept with its compiled programs.
    """
    if balanced not in self._samplers:
      state = replicate.take(self.restored[1], self.replica)
      sample, names, source = self.inputs.evaluation(self.method).sampler(state, balanced)

      def on_mesh(rng, num_images):
        with jax.set_mesh(self.inputs.mesh):
          return sample(rng, num_images)

      self._samplers[balanced] = on_mesh, names, source
    return self._samplers[balanced]
