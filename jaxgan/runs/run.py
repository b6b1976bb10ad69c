"""A trained run, for notebooks and the command line: its metrics, samples, measures and exports.

    import jaxgan
    run = jaxgan.load('runs/fashion_lt')
    images, labels = run.sample(1000, balanced=True)
    run.evaluate()['results']
    run.metrics

Loading reads the configuration only. The first sample or evaluation loads networks, checkpoint and
data, which stay in memory.
"""

from collections.abc import Callable, Sequence
import functools
import os
import pathlib
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgan.algorithms import replicate
from jaxgan.config import identity
from jaxgan.data import sources
from jaxgan.errors import UserError
from jaxgan.evaluation import record as record_lib
from jaxgan.runs import families, generator_folder
from jaxgan.runs.experiment import Experiment, resolved
from jaxgan.system import files, registry
from jaxgan.training import logging

if TYPE_CHECKING:
  from jaxgan.runs.inputs import Inputs


def load(
  workdir: str | os.PathLike[str],
  method: str = '',
  checkpoint: str | int = '',
  replica: int = 0,
  config: Experiment | None = None,
) -> 'Run':
  """Opens a run of a work directory.

  Args:
    workdir: the work directory of an experiment, such as 'runs/fashion_lt'.
    method: a method of the experiment; by default the last one.
    checkpoint: 'latest', 'best' or a step; by default the run's `config.evaluation.checkpoint`.
    replica: a replica.
    config: replaces the stored configuration; only fields that evaluation reads may differ.

  Returns:
    The Run.

  Raises:
    UserError: the folder holds no run, or no such method or replica.
  """
  registry.load_plugins()
  workdir = files.expanded(workdir)
  for folder in [workdir / method] if method else sorted(workdir.glob('*')):
    if (folder / identity.NAME).exists() and not generator_folder.is_saved(folder):
      identity.content(folder)  # Imports what registered the method.
  trained = [m for m in families.all_methods() if (workdir / m / identity.NAME).exists()]
  if not trained:
    raise UserError(f'workdir={workdir}: {_without_methods(workdir)}.')
  method = method or (config.methods[-1] if config else trained[-1])
  if method not in trained:
    raise UserError(f'method={method!r}: expected a method in {workdir}: {", ".join(trained)}.')
  own: Experiment = resolved(config or families.remembered(workdir / method))
  return Run(sources.with_prepared(own, workdir), workdir, method, checkpoint, replica)


def _without_methods(workdir: pathlib.Path) -> str:
  """What to say of a folder without trained methods."""
  if generator_folder.is_saved(workdir):
    return 'expected a work directory, found a saved generator, which jaxgan.from_pretrained opens'
  if (workdir / identity.NAME).exists():
    return f'expected the work directory above, {workdir.parent}'
  if any(workdir.glob(f'*/{identity.NAME}')):
    return 'no method has been trained there yet'
  return 'expected the folder of a run, such as runs/fashion_lt'


class Samples:
  """Labelled images of a generator: what a `Run` and a saved generator share.

  Attributes:
    config: the configuration of the training.
    method: the name of the method.
  """

  config: Experiment
  method: str
  inputs: 'Inputs'

  @property
  def label_names(self) -> tuple[str, ...]:
    """The names of the labels that `sample` returns: classes or codes."""
    return self.sampler(balanced=False)[1]

  @property
  def labelled_by(self) -> str:
    """The origin of the labels that `sample` returns: the key of a classifier, or the codes."""
    return self.sampler(balanced=False)[2]

  def sample(
    self,
    num_images: int,
    balanced: bool = False,
    seed: int = 0,
    label: str | int | Sequence[str | int] | None = None,
  ) -> tuple[np.ndarray, np.ndarray]:
    """Draws images, labelled by the classifier or, for methods with codes, by their codes.

    Args:
      num_images: the number of images.
      balanced: keep equal numbers of every class or code (up to one), the first drawn.
      seed: seed of the noise; the same seed gives the same images.
      label: draw images of this class alone, or of these classes, by their names; codes also by
        their numbers. Generators with labels or codes as inputs draw them directly; of other
        generators, images with other labels are dropped.

    Returns:
      (images uint8 `[N, H, W, C]`, labels int `[N]`, positions in `label_names`).

    Raises:
      UserError: the checkpoint is missing, a label is unknown, or the generator hardly ever draws a
        class.
    """
    from jaxgan.runs import sampling

    if num_images < 1:
      raise UserError(f'num_images={num_images}: expected a positive integer, for example 1000.')
    chosen = None if label is None else self.positions(label, 'label')
    sample, names, _ = self.sampler(balanced, chosen)
    batch_size = self.config.evaluation.batch_size
    return sampling.draw(sample, names, num_images, balanced, seed, batch_size, chosen)

  def positions(self, label: str | int | Sequence[str | int], field: str) -> tuple[int, ...]:
    """Finds labels in `label_names`, see `jaxgan.runs.sampling.positions`.

    Args:
      label: see `sample`.
      field: the flag or argument, for messages.
    """
    from jaxgan.runs import sampling

    are_codes = self.inputs.family.labels_of(self.method, self.inputs.data.labelled) == 'codes'
    return sampling.positions(self.label_names, label, field, are_codes)

  def sampler(
    self, balanced: bool, chosen: tuple[int, ...] | None = None
  ) -> tuple[Callable, tuple[str, ...], str]:
    """Returns a function that draws labelled images; its programs stay compiled.

    Args:
      balanced: see `jaxgan.evaluation.evaluate.Evaluation.sampler`.
      chosen: see `jaxgan.evaluation.evaluate.Evaluation.sampler`.

    Returns:
      (`sample(rng, num_images)`, the names of the labels, the origin of the labels).
    """
    if (balanced, chosen) not in self._samplers:
      sample, names, source = self._sampler(balanced, chosen)

      def on_mesh(rng, num_images):
        with jax.set_mesh(self.inputs.mesh):
          return sample(rng, num_images)

      self._samplers[balanced, chosen] = on_mesh, names, source
    return self._samplers[balanced, chosen]

  @functools.cached_property
  def _samplers(self) -> dict:
    return {}

  def _sampler(self, balanced, chosen) -> tuple[Callable, tuple[str, ...], str]:
    """See `sampler`; the function must be called on the mesh."""
    raise NotImplementedError


class Run(Samples):
  """A trained method: its metrics, and the samples and measures of one checkpoint.

  A Run never changes the state of training. To see the later checkpoints of a run that is still
  training, load it again.

  Attributes:
    config: the configuration.
    workdir: the work directory.
    method: the name of the method.
    checkpoint: 'latest', 'best' or a step.
    replica: the number of the replica.
    folder: the folder with the metrics, pictures and evaluation of the run, or of its replica.
  """

  def __init__(
    self,
    config: Experiment,
    workdir: pathlib.Path,
    method: str,
    checkpoint: str | int = '',
    replica: int = 0,
  ):
    """Stores the arguments, see `load`; reads nothing."""
    self.config, self.workdir, self.method, self.replica = config, workdir, method, replica
    folders = logging.replica_folders(workdir / method, config.replicas)
    if replica not in range(len(folders)):
      raise UserError(f'replica={replica}: expected a replica in 0..{len(folders) - 1}.')
    self.folder = folders[replica]
    self.checkpoint = str(checkpoint) or config.evaluation.checkpoint

  def __repr__(self) -> str:
    """Names the method, the checkpoint and the folder."""
    return f'<Run of {self.method}, checkpoint {self.checkpoint}, in {self.folder}>'

  @property
  def metrics(self) -> list[dict]:
    """The current rows of metrics.jsonl: {'step': int, name: number, list or None}."""
    return logging.read_metrics(self.folder)

  @property
  def step(self) -> int:
    """The step of the checkpoint."""
    return self.restored[0]

  @property
  def labeller(self) -> str:
    """The origin of the labels in words: role, network and accuracy of a classifier."""
    from jaxgan.runs import sampling

    return sampling.labeller_in_words(self.inputs.classifiers, self.labelled_by)

  def export(
    self,
    out: str | os.PathLike[str],
    contents: str = 'synthetic',
    format: str = 'folders',
    images_per_class: int | None = None,
    seed: int = 0,
    min_confidence: float = 0.0,
  ) -> dict[str, Any]:
    """Writes a data set with equally many images of every class to a new folder.

    The real test images are its test split, unless the labels are codes.

    Args:
      out: the folder, which must not exist.
      contents: 'synthetic' writes generated images only; 'topped_up' writes the training images and
        adds generated images to the smaller classes.
      format: 'folders' of PNGs, 'npz' or 'tfds'.
      images_per_class: images of each class; by default the size of the largest training class.
      seed: seed of the noise; the same seed gives the same files.
      min_confidence: a generated image is drawn again if the classifier gives its label a smaller
        probability.

    Returns:
      The content of export.json in the folder.

    Raises:
      UserError: the contents, format or checkpoint is unknown, or the generator hardly ever draws a
        class.
    """
    from jaxgan.runs import exporting

    return exporting.export(self, out, contents, format, images_per_class, seed, min_confidence)

  def save_pretrained(self, folder: str | os.PathLike[str], license: str = 'unknown') -> None:
    """Writes the generator to a new folder that `jaxgan.from_pretrained` opens anywhere.

    The folder has the weights, a model card with the numbers of the evaluation, a preview and a
    program for JAX alone; see docs/carry_away.md.

    Args:
      folder: the folder, which must not exist.
      license: licence in the card, an identifier of the Hugging Face Hub such as 'mit'.

    Raises:
      UserError: the folder exists, or the checkpoint is missing.
    """
    from jaxgan.runs import generator_saving

    generator_saving.save(self, folder, license)

  def evaluate(self) -> dict[str, Any]:
    """Measures the checkpoint as `jaxgan evaluate` does; trains and writes nothing.

    The classification accuracy score would train a classifier: it is taken from an earlier
    evaluation of the checkpoint, or None.

    Returns:
      The content of an evaluation.json: 'settings', 'results' and more.

    Raises:
      UserError: the checkpoint is missing.
    """
    step, states = self.restored
    evaluation = self.inputs.evaluation(self.method)
    with jax.set_mesh(self.inputs.mesh):
      record = evaluation.measure(step, replicate.take(states, self.replica), self.replica)
      record = record_lib.with_scores(self.folder, record, evaluation.scores)
    return record.model_dump(mode='json')

  @functools.cached_property
  def inputs(self) -> 'Inputs':
    """The data and the trained classifiers of the experiment."""
    from jaxgan.runs import inputs, plan

    return inputs.load(*plan.prepared(self.config, self.workdir, (self.method,)))

  @functools.cached_property
  def restored(self) -> tuple[int, Any]:
    """(step, states of all replicas) of the checkpoint."""
    return self.inputs.restore(self.method, self.checkpoint)

  @functools.cached_property
  def confidence(self) -> Callable | None:
    """See `jaxgan.evaluation.evaluate.Evaluation.confidence`."""
    state = replicate.take(self.restored[1], self.replica)
    measure = self.inputs.evaluation(self.method).confidence(state)
    if measure is None:
      return None

    def on_mesh(images, labels):
      with jax.set_mesh(self.inputs.mesh):
        return measure(images, labels)

    return on_mesh

  def _sampler(self, balanced, chosen):
    state = replicate.take(self.restored[1], self.replica)
    return self.inputs.evaluation(self.method).sampler(state, balanced, chosen)
