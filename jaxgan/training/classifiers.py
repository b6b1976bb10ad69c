"""Classifiers: their training jobs, and loading trained classifiers from folders."""

from collections.abc import Callable, Mapping, Sequence
import functools
import hashlib
import pathlib
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import BATCHES, Algorithm
from jaxgan.algorithms import classifier as classifier_lib
from jaxgan.algorithms.classifier import PRETRAINED
from jaxgan.config import identity
from jaxgan.config import section as section_lib
from jaxgan.config.overrides import changed
from jaxgan.data import loading, order, pixels, sources, training_data
from jaxgan.data.training_data import TrainingData
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
  """A trained classifier.

  Attributes:
    classify: `classify(variables, images) -> (logits, features)`, images in [-1, 1]; None if only
      the classes are known.
    variables: its weights; None if only the classes are known.
    class_names: names of the classes `[K]`.
    image_shape: (H, W, C) of its training images.
    accuracy: on the test split of its training data; None if not measured.
    key: identifies the weights.
    input_size: side to which it resizes images of any size; None: it takes `image_shape` only.
    protocol: loss, checkpoint and its step; `input` if it resizes or normalises images, `batches`
      if they were class-balanced, `images` if it was to see half of them.
    num_tested: images of this test split; None if not measured.
    config: the configuration that builds `classify`: the section `algorithm` of a classifier, or
      the job of a recogniser; None if only the classes are known.
  """

  classify: Callable
  variables: Any
  class_names: tuple[str, ...]
  image_shape: tuple[int, int, int]
  accuracy: float | None
  key: str
  input_size: int | None = None
  protocol: Mapping[str, Any] = MappingProxyType({})
  num_tested: int | None = None
  config: Any = None


def job_config(
  seed: int, section: Any, arrays: Any, kind: type = ClassifierJob, **others: Any
) -> Any:
  """Makes the configuration of a classifier's job.

  Args:
    seed: of the job.
    section: has the sections `data`, `algorithm` and `train`.
    arrays: the training images; config.json has their key, to detect other images.
    kind: the class of the configuration.
    **others: further fields of this class.
  """
  sections = {'data': section.data, 'algorithm': section.algorithm, 'train': section.train}
  modules = tuple(sorted(section_lib.registered_by(section)))
  return kind(seed=seed, images=arrays.key, modules=modules, **sections, **others)


def build_classifier(config: Any, arrays: Any, steps_per_epoch: int | None = None) -> Algorithm:
  """Makes the algorithm of a classifier.

  Args:
    config: its configuration.
    arrays: the training images.
    steps_per_epoch: of the learning-rate schedule; by default the epochs of `arrays`.
  """
  if steps_per_epoch is None:
    steps_per_epoch = order.steps_per_epoch(len(arrays.labels), config.train.batch_size)
  image_shape, num_classes = arrays.images.shape[1:], len(arrays.class_names)
  return classifier_lib.classifier(config.algorithm, image_shape, num_classes, steps_per_epoch)


def compile_classify(classify: Callable) -> Callable:
  """Compiles `run(variables, images) -> (labels, features)`.

  Args:
    classify: of an Algorithm or a Classifier.

  Returns:
    The function, from uint8 images `[N, H, W, C]` to int labels `[N]` and float32 features `[N, D]`
    on the host, for any N, in batches of one size.
  """

  def labels(variables, images):
    logits, features = classify(variables, images)
    return jnp.argmax(logits, axis=-1), features

  return compile_outputs(labels)


def compile_outputs(classify: Callable) -> Callable:
  """Compiles `run(variables, images) -> outputs`.

  Args:
    classify: from variables and images in [-1, 1] to a tree of arrays, such as `classify` of an
      Algorithm.

  Returns:
    The function, from uint8 images `[N, H, W, C]` to these arrays on the host, for any N, in
    batches of one size.
  """

  def one_batch(variables, batch):
    return classify(variables, pixels.scale(parallel.along_batch(batch)))

  compiled = compilation.jit(one_batch)

  def run(variables, images):
    return distributed.over_batches(functools.partial(compiled, variables), images, _CLASSIFY_BATCH)

  return run


def classifier_job(config: Any, role: str, folder: pathlib.Path) -> TrainingJob:
  """Makes the training job of a classifier in an experiment.

  Args:
    config: of the experiment.
    role: its section, 'classifier' or 'annotator'.
    folder: of the job.
  """
  section = getattr(config, role)
  data, test = load_halved(section), loading.load(section.data, 'test')
  seed = (config.seed + section.seed_offset) % 2**32
  start = f'{role}.'
  given = config.fractions.items()
  fractions = {path.removeprefix(start): value for path, value in given if path.startswith(start)}
  own = job_config(seed, section, data.arrays, half=section.half, fractions=fractions)
  return training_job(role, folder, own, data, test)


def load_halved(section: Any) -> TrainingData:
  """Loads the training images of a section with `data` and `half`."""
  return training_data.halved(loading.load_training(section.data), section.half)


def training_job(
  name: str,
  folder: pathlib.Path,
  own: Any,
  data: TrainingData,
  test: Any,
  steps_per_epoch: int | None = None,
) -> TrainingJob:
  """Makes the training job of a classifier on some images.

  Args:
    name: its name in progress lines.
    folder: of the job.
    own: its configuration, see `job_config`.
    data: the TrainingData.
    test: the test images; the accuracy on them ranks checkpoints.
    steps_per_epoch: of the learning-rate schedule; by default the epochs of `data`.
  """
  algorithm = build_classifier(own, data.arrays, steps_per_epoch)
  assert algorithm.classify is not None
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
    evaluates=f': {len(test.labels):,} test images',
    start=start,
  )


def untrained(section: Any, test: Any) -> Classifier:
  """Describes a classifier before its training: classes and image shape, without weights.

  Args:
    section: of the classifier.
    test: its test images.
  """
  return _described(test.class_names, test.images.shape[1:], section.algorithm.input_size)


def _described(class_names, image_shape, input_size: int | None = None) -> Classifier:
  """A classifier without weights, for plans."""
  nothing = cast(Callable, None)  # Plans never call it.
  return Classifier(nothing, None, class_names, image_shape, None, '', input_size)


def known_classifier(folder: pathlib.Path, section: Any) -> Classifier:
  """Describes a trained classifier, its classes and image shape, without loading weights.

  Args:
    folder: of its job, or an npz of the released weights.
    section: of the classifier in the current experiment.

  Raises:
    UserError: see `load_classifier`.
  """
  if folder.suffix == '.npz':
    _released_variables(folder)
    declared = sources.declared(section.data)
    _check_digits(folder, section.data, declared)
    return _described(declared.class_names, declared.image_shape)
  config = _read_classifier(folder, section.data)
  declared = sources.declared(config.data)
  return _described(declared.class_names, declared.image_shape, config.algorithm.input_size)


def _read_classifier(folder, section) -> ClassifierJob:
  """Reads the configuration of a classifier, with paths of its images that exist here."""
  content = identity.content(folder)
  if 'methods' in content:
    raise UserError(f'{folder} is not the folder of a classifier: give the folder of a classifier')
  config = section_lib.checked(ClassifierJob, content, str(folder / identity.NAME))
  places = {'prepared': sources.prepared_name(config.images)}
  for field in ('source', 'data_dir'):
    is_there = files.expanded(getattr(config.data, field) or '').exists()
    if not is_there and config.data.dataset == section.dataset:
      places[field] = getattr(section, field)
  return changed(config, {f'data.{field}': place for field, place in places.items()})


def load_classifier(
  folder: pathlib.Path, section: Any, mesh: jax.sharding.Mesh, which: str = 'latest'
) -> Classifier:
  """Restores a checkpoint of a trained classifier from the folder of its job.

  Args:
    folder: of the job, perhaps made on another machine; or an npz of the released MNIST weights.
    section: the `data` section of the current experiment. If it has the same data set, its paths
      replace paths of the classifier that do not exist on this machine.
    mesh: of the devices to use.
    which: 'latest' or 'best', by the accuracy on its test split; both need a finished training.

  Raises:
    UserError: the folder is not of a classifier, its training is unfinished, its checkpoint is
      damaged, or its training images have changed.
  """
  if folder.suffix == '.npz':
    return _load_weights(folder, section)
  config = _read_classifier(folder, section)
  data = load_halved(config)
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
  if BATCHES[own.batches]:
    protocol['batches'] = own.batches
  if part := data.arrays.metadata.get('part'):
    protocol['images'] = part
  return tested._replace(input_size=own.input_size, protocol=protocol, config=own)


def network_name(config: Any) -> str:
  """Returns the name of the network of an `algorithm` section, such as 'resnet32'."""
  return f'{config.network}{config.depth}' if config.network == 'resnet' else config.network


def _load_weights(path: pathlib.Path, config) -> Classifier:
  """Loads the MNIST classifier of Elastic-InfoGAN's released code from an npz.

  Args:
    path: the file; for its arrays see `networks.mnist.evaluation_classifier_variables`.
    config: the `data` section whose test split gives the accuracy.

  Raises:
    UserError: the file is unreadable or holds something else.
  """
  variables, test = _released_variables(path), loading.load(config, 'test')
  _check_digits(path, config, sources.declared(config))
  network = mnist.EvaluationClassifier(10)

  def classify(variables, images):
    return network.apply(variables, images, train=False)

  protocol = {'loss': 'not known', 'checkpoint': 'released'}
  own = classifier_lib.ClassifierConfig(network='mnist_cnn')
  tested = _tested(classify, variables, test, own.network)
  return tested._replace(protocol=protocol, config=own)


def _released_variables(path):
  advice = 'give the folder of a trained classifier or the npz of the released weights'
  # Read all arrays first: an unreadable array means damage, whatever its name.
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
  return Classifier(
    classify, variables, test.class_names, shape, accuracy, key, num_tested=len(labels)
  )


def weights_key(name: str, variables: Any) -> str:
  """Returns NAME-HASH of some variables."""
  digest = hashlib.sha256()
  for leaf in jax.tree.leaves(distributed.to_host(variables)):
    digest.update(np.ascontiguousarray(leaf).tobytes())
  return f'{name}-{digest.hexdigest()[:12]}'


def class_positions(known: Sequence[str], data: TrainingData, replica: int) -> np.ndarray | None:
  """Finds the classes of a replica among the outputs of a classifier.

  A classifier with as many classes as the pool of all replicas has them in the pool's order;
  otherwise classes are matched by name.

  Args:
    known: the names of the classifier's classes.
    data: the experiment's TrainingData.
    replica: number of the replica.

  Returns:
    Positions of the outputs, int `[K]`; None if the classifier lacks a class.
  """
  if len(known) == len(data.arrays.class_names):
    return data.classes[replica]
  names = data.class_names(replica)
  if not set(names) <= set(known):
    return None
  return np.array([known.index(name) for name in names])
