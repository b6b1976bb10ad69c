"""Rules that an experiment must satisfy before any training; each broken rule gives one line."""

from collections.abc import Iterator
import itertools
import math
import pathlib

import jax

from jaxgan.algorithms import BATCHES, Algorithm, classifier
from jaxgan.config import identity
from jaxgan.data import order, training_data
from jaxgan.errors import UserError
from jaxgan.runs import families, recogniser
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.facts import OWN, Facts, classifier_folder, trained_by
from jaxgan.system import parallel
from jaxgan.training import classifiers as classifiers_lib
from jaxgan.training import trackers


def check_sections(experiment: Experiment, num_devices: int, name: str = 'config') -> None:
  """Refuses an experiment whose sections contradict each other.

  Args:
    experiment: the experiment.
    num_devices: the number of devices.
    name: the name of the experiment in messages.

  Raises:
    UserError: names the field, its value and the allowed values.
  """
  methods = experiment.methods
  family = families.family_of(methods)
  if len(set(methods)) != len(methods):
    raise UserError(f'{name}.methods={methods}: expected each method once.')
  if type(experiment.algorithm) not in set(map(family.algorithm, methods)):
    raise UserError(
      f'{name}.methods={methods}: expected methods whose section `algorithm` is a '
      f'{type(experiment.algorithm).__name__}.'
    )
  last = 2**32 - experiment.replicas  # Each replica has the next seed.
  if (experiment.seed or 0) > last:
    raise UserError(f'{name}.seed={experiment.seed}: expected a whole number in [0, {last}].')
  family.validate(experiment)
  # Only the devices that train the same replica share its batches.
  num_devices //= math.gcd(experiment.replicas, num_devices)
  batches = {'train': experiment.train.batch_size, 'evaluation': experiment.evaluation.batch_size}
  roles = (family.roles(experiment, methods, labelled) for labelled in (True, False))
  for role in dict.fromkeys(itertools.chain(*roles)):
    section = getattr(experiment, role)
    if section is None:
      raise UserError(f'{name}.{role}=None: expected a section, see experiments/base.py.')
    if not getattr(section, 'folder', ''):
      if role == 'recogniser':
        check_sections(section, num_devices, f'{name}.{role}')
      batches[f'{role}.train'] = section.train.batch_size
  for section, batch_size in batches.items():
    parallel.check_batch_size(batch_size, num_devices, f'{name}.{section}.batch_size')


def refusals(config: Experiment, facts: Facts) -> tuple[str, ...]:
  """Lists the rules that an experiment breaks, in the order in which to fix them.

  Args:
    config: the experiment.
    facts: its facts. Rules about images are skipped before the images are prepared.

  Returns:
    One line per broken rule.
  """
  lines = list(facts.unreadable)
  for check, *arguments in _checks(config, facts) if OWN in facts.images else ():
    try:
      check(*arguments)
    except UserError as error:
      lines.append(str(error))
  return tuple(dict.fromkeys(lines))


def _checks(config, facts) -> Iterator[tuple]:
  """Yields the rules: a function that raises a UserError, and its arguments."""
  data, there = facts.data, facts.images[OWN].missing is None
  yield from _trackers(config)
  yield _check_crop, config.data, data.image_shape, ''
  yield from _family_checks(families.family_of(facts.methods), config, data, there)
  if recogniser.ROLE in facts.images:
    section, images = config.recogniser, facts.images[recogniser.ROLE]
    if images.missing is None and there:
      own = images.training.arrays.key
      yield recogniser.check_images, f'config.{recogniser.ROLE}.data', own, data
    yield from _family_checks(families.family_of(section.methods), section, data, there)
  if recogniser.ROLE not in facts.roles or recogniser.ROLE in facts.known:
    yield from ((_check_memory, config, facts, method) for method in facts.methods)
  if there:
    yield _check_others, facts
    for method in facts.methods:
      own = families.method_config(config, method, data)
      yield identity.check_unchanged, facts.workdir / method, own
  for role in (role for role in facts.roles if role != recogniser.ROLE):
    if role in facts.known:
      yield check_knows, config, role, facts.workdir, facts.known[role], data
    if role in facts.images:
      yield from _classifier_checks(config, facts, role)


def _trackers(config, prefix: str = 'config'):
  """The rules that the packages of trackers are installed, for every section that trains."""
  yield trackers.check, config.train.tracker, f'{prefix}.train.tracker'
  for role in ('classifier', 'annotator', 'cas', recogniser.ROLE):
    if section := getattr(config, role, None):
      yield from _trackers(section, f'{prefix}.{role}')


def _family_checks(family, config, data, there):
  for rule in family.rules:
    if there or not rule.of_images:
      yield rule.check, config, data


def _classifier_checks(config, facts, role):
  """Yields the rules of a classifier that the experiment trains, with the role `role`."""
  trainer, images = trained_by(config, role, facts.workdir), facts.images[role]
  if trainer != role and trainer in facts.roles:
    return  # Checked as the classifier of the other role.
  section, shape = getattr(config, role), images.test.images.shape[1:]
  if role != 'cas' and images.missing is None:
    labels = images.training.arrays.labels
    yield order.steps_per_epoch, len(labels), section.train.batch_size, f'{role}.train'
    if BATCHES[section.algorithm.batches]:
      yield _check_every_class, role, images.training
  yield _check_crop, section.data, shape, f'{role}.'
  yield classifier.check_channels, section.algorithm, shape[-1], f'config.{role}.'


def _check_every_class(role, data):
  """Refuses class-balanced batches of a classifier whose images lack a class."""
  counts = data.share_counts(0)
  if not counts.all():
    raise UserError(
      f"config.{role}.algorithm.batches='class_balanced': expected instance_balanced, "
      f'{data.arrays.key} has no image of class {data.class_names(0)[counts.argmin()]!r}.'
    )


def _check_crop(section, image_shape, prefix):
  order.check_crop(section.crop_padding, image_shape, f'config.{prefix}data.crop_padding')


def untrained(config: Experiment, facts: Facts, method: str) -> Algorithm:
  """Builds the Algorithm of a method without its classifiers; only its `init` works.

  Raises:
    UserError: the family refuses the experiment.
    KeyError: the recogniser is unreadable.
  """
  expected = {role: facts.known[role] for role in facts.roles if role == recogniser.ROLE}
  return families.family_of([method]).build(config, method, facts.data, expected)[0]


def _check_memory(config, facts, method):
  """Refuses replicas and networks whose states exceed the memory of the devices."""
  algorithm, mesh = untrained(config, facts, method), facts.mesh
  state = jax.tree.leaves(jax.eval_shape(algorithm.init, jax.random.key(0)))
  needed = config.replicas * sum(leaf.size * leaf.dtype.itemsize for leaf in state)
  on_cpu = mesh.devices.flat[0].platform == 'cpu'
  memory = parallel.device_memory() * (1 if on_cpu else mesh.shape[parallel.REPLICA_AXIS])
  if needed > memory:
    raise UserError(
      f'config.replicas={config.replicas}: the states of {method} need {needed / 1e9:,.0f} GB, the '
      f'devices have {memory / 1e9:,.0f} GB: use fewer replicas or smaller networks '
      '(config.algorithm)'
    )


def _check_others(facts):
  """Refuses a work directory whose other methods saw other images: reports compare the methods."""
  images = facts.data.arrays.key
  for method in families.all_methods():
    if method not in facts.methods and method in facts.folders:
      theirs = facts.folders[method].images
      if theirs != images:
        raise UserError(
          f'{facts.workdir / method} belongs to a run on other images (images was {theirs!r}, is '
          f'{images!r}): choose another --workdir'
        )


def check_knows(
  config: Experiment,
  role: str,
  workdir: pathlib.Path,
  known: classifiers_lib.Classifier,
  data: training_data.TrainingData,
) -> None:
  """Refuses a classifier for other classes or image sizes than the experiment's.

  Args:
    config: the experiment.
    role: the name of the classifier's section.
    workdir: the work directory of the experiment.
    known: the classifier; its class names, image shape and input size are read.
    data: the TrainingData of the experiment.

  Raises:
    UserError: the classifier lacks a class of the experiment, or does not fit its images.
  """
  names, (*size, channels) = known.class_names, known.image_shape
  knows = all(
    classifiers_lib.class_positions(names, data, r) is not None for r in range(config.replicas)
  )
  *images, image_channels = data.image_shape
  fits = (size == images or known.input_size is not None) and channels == image_channels
  if not fits or not knows:
    field = 'data.dataset' if trained_by(config, role, workdir) else 'folder'
    raise UserError(
      f'the {role} in {classifier_folder(config, role, workdir)} knows '
      f'{_sizes(names, known.image_shape)} images, the data set {config.data.dataset} has '
      f'{_sizes(data.arrays.class_names, data.image_shape)}: change config.{role}.{field}'
    )


def _sizes(class_names, image_shape):
  return f'{len(class_names)} classes of {"x".join(map(str, image_shape))}'
