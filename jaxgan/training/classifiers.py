"""Classifiers: the jobs that train them, and loading trained ones from their folders."""

from collections.abc import Callable, Mapping
import functools
import hashlib
import pathlib
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import classifier as classifier_lib
from jaxgan.algorithms.classifier import PRETRAINED
from jaxgan.config import identity
from jaxgan.config import section as section_lib
from jaxgan.config.overrides import changed
from jaxgan.data import loading, order, pixels, sources
from jaxgan.errors import UserError
from jaxgan.metrics import class_distribution
from jaxgan.networks import mnist
from jaxgan.system import compilation, distributed, files, parallel
from jaxgan.training import pretrained
from jaxgan.training.config import ClassifierJob
from jaxgan.training.job import TrainingJob, total_steps
from jaxgan.training.restore import restore_finished

_CLASSIFY_BATCH = 512


class Classifier(NamedTuple):
  """A trained classifier: `classify(variables, images [-1, 1]) -> (logits, features)`.

  `accuracy` is measured on the test split of its own data; None without labels. `key` identifies
  its weights. With an `input_size` it takes images of any size. `protocol` has its loss, the
  checkpoint and its step and, if images are resized or normalised for it, `input`.
  """

  classify: Callable
  variables: Any
  class_names: tuple[str, ...]
  image_shape: tuple[int, int, int]
  accuracy: float | None
  key: str
  input_size: int | None = None
  protocol: Mapping[str, Any] = MappingProxyType({})


def job_config(seed: int, section, arrays, kind=ClassifierJob, **others):
  """What the job of a classifier depends on: the seed, its data, algorithm and training sections.

  `images` is the key of `arrays`, by which a work directory notices other images; `kind` is the
  class of the configuration, which may have further fields.
  """
  sections = {'data': section.data, 'algorithm': section.algorithm, 'train': section.train}
  modules = tuple(sorted(section_lib.registered_by(section)))
  return kind(seed=seed, images=arrays.key, modules=modules, **sections, **others)


def build_classifier(config, arrays, steps_per_epoch: int | None = None):
  """The classifier's algorithm; its schedule's epochs are those of the images where not given."""
  if steps_per_epoch is None:
    steps_per_epoch = order.steps_per_epoch(len(arrays.labels), config.train.batch_size)
  image_shape, num_classes = arrays.images.shape[1:], len(arrays.class_names)
  return classifier_lib.classifier(config.algorithm, image_shape, num_classes, steps_per_epoch)


def compile_classify(classify: Callable) -> Callable:
  """Compiles `run(variables, images) -> (labels, features)` for any number of host images.

  Args:
    classify: of an Algorithm or a Classifier.

  Returns:
    The function, from uint8 images `[N, H, W, C]` to labels int `[N]` and features float32 `[N, D]`
    on the host, in batches of one size.
  """

  def labels(variables, images):
    logits, features = classify(variables, images)
    return jnp.argmax(logits, axis=-1), features

  return compile_outputs(labels)


def compile_outputs(classify: Callable) -> Callable:
  """Compiles `run(variables, images) -> outputs` for any number of host images.

  Args:
    classify: from variables and images in [-1, 1] to a tree of arrays, such as that of an
      Algorithm.

  Returns:
    The function, from uint8 images `[N, H, W, C]` to those arrays on the host, in batches of one
    size.
  """

  def one_batch(variables, batch):
    return classify(variables, pixels.scale(parallel.along_batch(batch)))

  compiled = compilation.jit(one_batch)

  def run(variables, images):
    return distributed.over_batches(functools.partial(compiled, variables), images, _CLASSIFY_BATCH)

  return run


def classifier_job(config, role: str, folder: pathlib.Path) -> TrainingJob:
  """The job that trains the classifier (role 'classifier') or the annotator ('annotator')."""
  section = getattr(config, role)
  data, test = loading.load_training(section.data), loading.load(section.data, 'test')
  return training_job(role, folder, job_config(config.seed, section, data.arrays), data, test)


def training_job(
  name: str, folder: pathlib.Path, own, data, test, steps_per_epoch: int | None = None
) -> TrainingJob:
  """The job that trains a classifier on some images.

  Args:
    name: what the progress lines call it.
    folder: where it writes.
    own: its configuration, see `job_config`.
    data: the TrainingData.
    test: Arrays; the accuracy on them ranks the checkpoints.
    steps_per_epoch: of the schedule, where it is that of other data.
  """
  algorithm = build_classifier(own, data.arrays, steps_per_epoch)
  classify = compile_classify(algorithm.classify)

  def evaluate(state, replica):
    labels, _ = classify(state.variables, test.images)
    correct = labels == test.labels
    totals = class_distribution.class_counts(test.labels, len(test.class_names))
    hits = class_distribution.class_counts(test.labels[correct], len(test.class_names))
    accuracy = float(correct.mean())
    values = {
      'evaluation/accuracy': accuracy,
      'evaluation/class_accuracy': (hits / np.maximum(totals, 1)).tolist(),
    }
    return values, accuracy

  def start(state):
    if own.algorithm.network not in PRETRAINED:
      return state
    variables = pretrained.variables(own.algorithm, len(data.arrays.class_names))
    return state.replace(variables=variables)

  return TrainingJob(
    name=name,
    folder=folder,
    config=own,
    algorithm=algorithm,
    data=data,
    frozen={},
    evaluate=evaluate,
    start=start,
  )


def untrained(section, test) -> Classifier:
  """What is known of a classifier before it is trained, from the Arrays of its test split."""
  size, shape = section.algorithm.input_size, test.images.shape[1:]
  return Classifier(None, None, test.class_names, shape, None, '', size)


def known_classifier(folder: pathlib.Path, section) -> Classifier:
  """What is known of a trained classifier without its weights: its classes and images.

  Args:
    folder: of its job, or an npz of the released weights.
    section: of the classifier, in the experiment that asks.

  Raises:
    UserError: see `load_classifier`.
  """
  if folder.suffix == '.npz':
    _released_variables(folder)
    declared = sources.declared(section.data)
    _check_digits(folder, section.data, declared)
    return Classifier(None, None, declared.class_names, declared.image_shape, None, '')
  config = _read_classifier(folder, section.data)
  declared, size = sources.declared(config.data), config.algorithm.input_size
  return Classifier(None, None, declared.class_names, declared.image_shape, None, '', size)


def _read_classifier(folder, section) -> ClassifierJob:
  """The configuration of a classifier's folder, on images that are there."""
  content = identity.content(folder)
  if 'methods' in content:
    raise UserError(f'{folder} is not the folder of a classifier: name one that holds one')
  config = section_lib.checked(ClassifierJob, content, str(folder / identity.NAME))
  places = {'prepared': sources.prepared_name(config.images)}
  for field in ('source', 'data_dir'):
    is_there = files.expanded(getattr(config.data, field) or '').exists()
    if not is_there and config.data.dataset == section.dataset:
      places[field] = getattr(section, field)
  return changed(config, {f'data.{field}': place for field, place in places.items()})


def load_classifier(folder: pathlib.Path, section, mesh, which: str = 'latest') -> Classifier:
  """Restores a checkpoint of a trained classifier from its job folder.

  Args:
    folder: of the job, perhaps made on another machine; or an npz of the released MNIST weights.
    section: the `data` section of the experiment that asks. Paths of the classifier's own that are
      not there, on another machine, are replaced by those of the same data set.
    mesh: of the devices to use.
    which: 'latest', or 'best' by the accuracy on its test split; the training has ended either way.

  Raises:
    UserError: not a classifier's folder, not trained to its end, damaged, or of other images.
  """
  if folder.suffix == '.npz':
    return _load_weights(folder, section)
  config = _read_classifier(folder, section)
  data = loading.load_training(config.data)
  if config.images not in ('', data.arrays.key):
    raise UserError(
      f'the classifier in {folder} was trained on {config.images}, not on {data.arrays.key}'
    )
  algorithm = build_classifier(config, data.arrays)
  step, variables = restore_finished(
    'classifier', algorithm, folder, total_steps(config, data), which, mesh
  )
  test = loading.load(config.data, 'test')
  own = config.algorithm
  tested = _tested(algorithm.classify, variables, test, network_name(own))
  loss = f'focal, gamma {own.focal_gamma:g}' if own.loss == 'focal' else own.loss
  protocol = {'loss': loss, 'checkpoint': which, 'step': step}
  if reads := classifier_lib.input_in_words(own):
    protocol['input'] = reads
  return tested._replace(input_size=own.input_size, protocol=protocol)


def network_name(config) -> str:
  """The network of a classifier's `algorithm` section, such as 'resnet32'."""
  return f'{config.network}{config.depth}' if config.network == 'resnet' else config.network


def _load_weights(path: pathlib.Path, config) -> Classifier:
  """The MNIST classifier of Elastic-InfoGAN's released code, from its weights in an npz.

  Args:
    path: the file; see `networks.mnist.evaluation_classifier_variables` for what it holds.
    config: the `data` section whose test split gives the accuracy.

  Raises:
    UserError: the file cannot be read, or holds something else.
  """
  variables, test = _released_variables(path), loading.load(config, 'test')
  _check_digits(path, config, sources.declared(config))
  network = mnist.EvaluationClassifier(10)

  def classify(variables, images):
    return network.apply(variables, images, train=False)

  protocol = {'loss': 'not known', 'checkpoint': 'released'}
  return _tested(classify, variables, test, 'mnist_cnn')._replace(protocol=protocol)


def _released_variables(path):
  advice = 'give the folder of a trained classifier or the npz of the released weights'
  # All arrays are read first: one that cannot be is damage, whatever its name.
  convert = lambda arrays: mnist.evaluation_classifier_variables(dict(arrays))  # noqa: E731
  return pretrained.read_arrays(path, 'config.annotator.folder', convert, advice)


def _check_digits(path, config, declared):
  if declared.image_shape != (28, 28, 1) or len(declared.class_names) != 10:
    raise UserError(
      f'config.annotator.folder={path} is for 10 classes of 28x28x1 images, {config.dataset} has '
      f'{len(declared.class_names)} of {"x".join(map(str, declared.image_shape))}'
    )


def _tested(classify, variables, test, name) -> Classifier:
  labels, _ = compile_classify(classify)(variables, test.images)
  accuracy = float((labels == test.labels).mean())
  key, shape = weights_key(name, variables), test.images.shape[1:]
  return Classifier(classify, variables, test.class_names, shape, accuracy, key)


def weights_key(name: str, variables) -> str:
  """A name and a hash of some variables."""
  digest = hashlib.sha256()
  for leaf in jax.tree.leaves(distributed.to_host(variables)):
    digest.update(np.ascontiguousarray(leaf).tobytes())
  return f'{name}-{digest.hexdigest()[:12]}'


def class_positions(known, data, replica: int) -> np.ndarray | None:
  """Where a classifier has the classes of a replica among its outputs, int `[K]`.

  In the same places where it knows as many classes as the images of all replicas have, or else by
  name; None where it lacks one.

  Args:
    known: the names of the classifier's classes.
    data: the experiment's TrainingData.
    replica: which.
  """
  if len(known) == len(data.arrays.class_names):
    return data.classes[replica]
  names = data.class_names(replica)
  if not set(names) <= set(known):
    return None
  return np.array([known.index(name) for name in names])
