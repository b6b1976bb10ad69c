"""Inputs: the data, devices and classifiers that the methods of an experiment share."""

from collections.abc import Mapping
import functools
import pathlib
from typing import Any

import jax

from data_prep.build import Arrays
from jaxgan.algorithms import Algorithm
from jaxgan.data import loading
from jaxgan.errors import UserError
from jaxgan.evaluation import agreement
from jaxgan.evaluation.evaluate import Evaluation
from jaxgan.runs import durations, families, recogniser, rules
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.facts import ROLES, Facts, classifier_folder, trained_by
from jaxgan.training import classifiers as classifiers_lib
from jaxgan.training import logging
from jaxgan.training.restore import restore


class Inputs:
  """Data, mesh and trained classifiers of an experiment; builds algorithms and evaluations.

  Attributes:
    config: the experiment.
    workdir: its work directory.
    family: the family of its methods.
    mesh: the mesh of the devices.
    data: its TrainingData.
    classifiers: {role: frozen Classifier}.
    timed: the durations of its jobs.
  """

  def __init__(
    self,
    config: Experiment,
    facts: Facts,
    classifiers: Mapping[str, classifiers_lib.Classifier],
    timed: durations.Durations | None = None,
  ):
    """Stores the arguments; reads and trains nothing."""
    self.timed = timed or durations.Durations(config, facts)
    self.config, self.workdir, self.classifiers = config, facts.workdir, classifiers
    self.family, self.mesh, self.data = families.family_of(facts.methods), facts.mesh, facts.data
    self._evaluations = {}

  @property
  def classifier(self) -> classifiers_lib.Classifier | None:
    """The classifier in the loop, trained on the long-tailed images and their labels."""
    return self.classifiers.get('classifier')

  @property
  def annotator(self) -> classifiers_lib.Classifier | None:
    """The classifier for evaluation only."""
    return self.classifiers.get('annotator')

  @functools.cached_property
  def agreement(self) -> dict[str, Any]:
    """The fields of a record on the agreement of classifier and annotator; {} without both."""
    return agreement.agreement_fields(self.classifiers, self.data, self.test)

  @property
  def test(self) -> Arrays:
    """The real test images."""
    return loading.load(self.config.data, 'test')

  def evaluation_rng(self, replica: int) -> jax.Array:
    """Returns the key of a replica's evaluations; training uses other keys."""
    return jax.random.fold_in(jax.random.key((self.config.seed or 0) + replica), 1)

  def algorithm(self, method: str) -> tuple[Algorithm, Any]:
    """Builds the algorithm of a method and its frozen arrays."""
    return self.family.build(self.config, method, self.data, self.classifiers)

  def evaluation(self, method: str) -> Evaluation:
    """Builds the evaluation of a method, once: its programs stay compiled."""
    if method not in self._evaluations:
      with jax.set_mesh(self.mesh):
        algorithm, _ = self.algorithm(method)
        self._evaluations[method] = self.family.evaluate(self, method, algorithm)
    return self._evaluations[method]

  def folders(self, method: str) -> list[pathlib.Path]:
    """Returns the folder of each replica of a method."""
    return logging.replica_folders(self.workdir / method, self.config.replicas)

  def restore(self, method: str, which: str) -> tuple[int, Any]:
    """Restores a checkpoint of a method.

    Args:
      method: the method.
      which: 'latest', 'best' or a step.

    Returns:
      (step, states of all replicas).
    """
    algorithm, _ = self.algorithm(method)
    folder = self.workdir / method
    return restore(algorithm, folder, which, self.config.replicas, self.mesh)


def roles(facts: Facts) -> list[str]:
  """Returns the roles of the classifiers that the methods need, in the order of training."""
  return [role for role in ROLES if role in facts.roles]


def load(config: Experiment, facts: Facts) -> Inputs:
  """Loads the Inputs of an experiment with finished classifiers; trains nothing.

  Raises:
    UserError: a classifier's training is unfinished, or it lacks classes of the experiment.
  """
  classifiers = {role: load_role(config, facts, role) for role in roles(facts)}
  return Inputs(config, facts, classifiers)


def load_role(config: Experiment, facts: Facts, role: str) -> classifiers_lib.Classifier:
  """Loads a trained classifier, annotator or recogniser of an experiment.

  The field `checkpoint` of the classifier's section selects the checkpoint, also in a given folder.
  Training does not read this field.

  Raises:
    UserError: see `load`.
  """
  section, folder = getattr(config, role), classifier_folder(config, role, facts.workdir)
  if trained_by(config, role, facts.workdir) and not (folder / 'checkpoints').exists():
    raise UserError(f'{folder} holds no trained {role} of this experiment: run jaxgan train')
  if role == recogniser.ROLE:
    return recogniser.load(folder, facts.data, facts.mesh)
  classifier = classifiers_lib.load_classifier(folder, section.data, facts.mesh, section.checkpoint)
  rules.check_knows(config, role, facts.workdir, classifier, facts.data)
  return classifier
