"""Inputs: what the methods of an experiment train and are measured with."""

import pathlib

import jax

from jaxgan.errors import UserError
from jaxgan.runs import families, recogniser, rules
from jaxgan.runs.facts import ROLES, Facts, classifier_folder, is_trained
from jaxgan.training import classifiers as classifiers_lib
from jaxgan.training import logging
from jaxgan.training.restore import restore


class Inputs:
  """Data, mesh and trained classifiers of an experiment, and what is built of them.

  Attributes:
    config: the experiment's configuration.
    workdir: its work directory.
    family: of its methods.
    mesh: of the devices.
    data: its TrainingData.
    classifiers: the frozen ones, by role.
  """

  def __init__(self, config, facts: Facts, classifiers):
    """Reads and trains nothing."""
    self.config, self.workdir, self.classifiers = config, facts.workdir, classifiers
    self.family, self.mesh, self.data = families.family_of(facts.methods), facts.mesh, facts.data
    self._evaluations = {}

  @property
  def classifier(self) -> classifiers_lib.Classifier | None:
    """The classifier that is trained on the long-tailed images and their labels."""
    return self.classifiers.get('classifier')

  @property
  def annotator(self) -> classifiers_lib.Classifier | None:
    """The classifier that is used for evaluation only."""
    return self.classifiers.get('annotator')

  def evaluation_rng(self, replica: int):
    """The key of a replica's evaluations; a run's own stream has others."""
    return jax.random.fold_in(jax.random.key(self.config.seed + replica), 1)

  def algorithm(self, method: str):
    """The algorithm of a method and its frozen arrays."""
    return self.family.build(self.config, method, self.data, self.classifiers)

  def evaluation(self, method: str):
    """What measures and draws the states of a method; it is compiled once."""
    if method not in self._evaluations:
      with jax.set_mesh(self.mesh):
        algorithm, _ = self.algorithm(method)
        self._evaluations[method] = self.family.evaluate(self, method, algorithm)
    return self._evaluations[method]

  def folders(self, method: str) -> list[pathlib.Path]:
    """The folder of each replica of a method."""
    return logging.replica_folders(self.workdir / method, self.config.replicas)

  def restore(self, method: str, which: str):
    """A checkpoint ('latest', 'best' or a step) of a method: (step, states of all replicas)."""
    algorithm, _ = self.algorithm(method)
    folder = self.workdir / method
    return restore(algorithm, folder, which, self.config.replicas, self.mesh)


def roles(facts: Facts) -> list[str]:
  """The classifiers that the methods need, in the order of their training."""
  return [role for role in ROLES if role in facts.roles]


def load(config, facts: Facts) -> Inputs:
  """The Inputs of an experiment whose classifiers are trained; nothing is trained.

  Raises:
    UserError: a classifier is not trained to its end, or does not know the experiment's classes.
  """
  classifiers = {role: load_role(config, facts, role) for role in roles(facts)}
  return Inputs(config, facts, classifiers)


def load_role(config, facts: Facts, role: str) -> classifiers_lib.Classifier:
  """A trained classifier, annotator or recogniser of an experiment.

  The experiment's field `checkpoint` of the section says which checkpoint is used, also for a
  classifier whose folder is given. Training does not read this field.

  Raises:
    UserError: see `load`.
  """
  section, folder = getattr(config, role), classifier_folder(config, role, facts.workdir)
  if is_trained(config, role) and not (folder / 'checkpoints').exists():
    raise UserError(f'the {role} of this experiment is not trained ({folder}): run jaxgan train')
  if role == recogniser.ROLE:
    return recogniser.load(folder, facts.data, facts.mesh)
  classifier = classifiers_lib.load_classifier(folder, section.data, facts.mesh, section.checkpoint)
  rules.check_knows(config, role, facts.workdir, classifier, facts.data)
  return classifier
