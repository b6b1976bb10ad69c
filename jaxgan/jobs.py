"""From an experiment's configuration to the jobs it needs: classifier, annotator, GANs."""

from collections.abc import Callable
import hashlib
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from jaxgan import checkpoint, logging, parallel, pictures, train
from jaxgan import config as config_lib
from jaxgan import data as data_lib
from jaxgan.algorithms.classifier import classifier as classifier_algorithm
from jaxgan.algorithms.gan import gan as gan_algorithm
from jaxgan.errors import UserError
from jaxgan.metrics import class_distribution

_CLASSIFY_BATCH = 500


class Classifier(NamedTuple):
  """A trained classifier: `classify(variables, images [-1, 1]) -> (logits, features)`.

  `accuracy` is on the test split of its own data; `key` identifies its weights.
  """

  classify: Callable
  variables: Any
  class_names: tuple[str, ...]
  image_shape: tuple[int, int, int]
  accuracy: float
  key: str


def job_config(config, section, arrays) -> ml_collections.ConfigDict:
  """What one job depends on: the seed, its data, algorithm and training sections.

  `images` tells the very images of `arrays`, so that a work directory notices other ones.
  """
  section = section.copy_and_resolve_references()
  sections = {name: section[name] for name in ('data', 'algorithm', 'train')}
  return ml_collections.ConfigDict({'seed': config.seed, 'images': arrays.key, **sections})


def build_classifier(config, arrays):
  images_per_step = config.train.batch_size
  return classifier_algorithm(
    config.algorithm,
    arrays.images.shape[1:],
    class_distribution.class_counts(arrays.labels, len(arrays.class_names)),
    data_lib.steps_per_epoch(len(arrays.labels), images_per_step),
  )


def compile_classify(classify: Callable) -> Callable:
  """Compiles `run(variables, images) -> (labels, features)` for any number of host images.

  Args:
    classify: of an Algorithm or a Classifier.

  Returns:
    The function, from uint8 images `[N, H, W, C]` to labels int `[N]` and features float32 `[N, D]`
    on the host, in batches of one size.
  """

  @jax.jit
  def one_batch(variables, batch):
    logits, features = classify(variables, data_lib.scale(batch))
    return jnp.argmax(logits, axis=-1), features

  def run(variables, images):
    labels, features = [], []
    for start in range(0, len(images), _CLASSIFY_BATCH):
      batch = np.asarray(images[start : start + _CLASSIFY_BATCH])
      missing = min(_CLASSIFY_BATCH, len(images)) - len(batch)
      padded = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0)))  # One compilation, not two.
      batch_labels, batch_features = jax.device_get(one_batch(variables, padded))
      labels.append(batch_labels[: len(batch)])
      features.append(batch_features[: len(batch)])
    return np.concatenate(labels), np.concatenate(features)

  return run


def classifier_job(config, role: str, folder: pathlib.Path) -> train.Job:
  """The job that trains the classifier (role 'classifier') or the annotator ('annotator')."""
  section = config[role]
  arrays, test = (data_lib.load(section.data, split) for split in ('train', 'test'))
  own = job_config(config, section, arrays)
  algorithm = build_classifier(own, arrays)
  classify = compile_classify(algorithm.classify)

  def evaluate(state):
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

  def picture(state, step):
    del state, step
    pictures.loss_curves(logging.read_metrics(folder), folder / 'loss_curves.png')

  return train.Job(
    name=role,
    folder=folder,
    config=own,
    algorithm=algorithm,
    dataset=data_lib.Dataset(arrays.images, arrays.labels),
    frozen={},
    evaluate=evaluate,
    picture=picture,
  )


def load_classifier(folder: pathlib.Path, mesh) -> Classifier:
  """Restores a trained classifier's latest checkpoint from its job folder.

  Raises:
    UserError: not a classifier's folder, not trained to its end, or damaged.
  """
  config = config_lib.read(folder)
  if 'depth' not in config.algorithm:
    raise UserError(f'{folder} is not the folder of a classifier: name one that holds a classifier')
  arrays = data_lib.load(config.data, 'train')
  algorithm = build_classifier(config, arrays)
  last = train.total_steps(config, len(arrays.labels), config.train.batch_size)
  with checkpoint.Checkpoints(folder / 'checkpoints') as checkpoints:
    step = checkpoints.resolve('latest')
    if step < last:
      raise UserError(
        f'the classifier in {folder} stopped at step {step} of {last}: train it first'
      )
    abstract = checkpoint.abstract_state(algorithm.init, parallel.replicated(mesh))
    variables = checkpoints.restore(step, abstract).variables
  test = data_lib.load(config.data, 'test')
  labels, _ = compile_classify(algorithm.classify)(variables, test.images)
  digest = hashlib.sha256()
  for leaf in jax.tree.leaves(jax.device_get(variables)):
    digest.update(np.ascontiguousarray(leaf).tobytes())
  accuracy = float((labels == test.labels).mean())
  key = f'resnet{config.algorithm.depth}-{digest.hexdigest()[:12]}'
  shape = arrays.images.shape[1:]
  return Classifier(algorithm.classify, variables, arrays.class_names, shape, accuracy, key)


def trained_classifier(config, role: str, workdir: pathlib.Path, mesh) -> Classifier:
  """The classifier or annotator of an experiment, trained now if it is missing.

  Raises:
    UserError: the one given by `<role>.folder` does not know the experiment's classes.
  """
  given = config[role].folder
  folder = pathlib.Path(given) if given else workdir / role
  if not given:
    train.run(classifier_job(config, role, folder), mesh)
  classifier = load_classifier(folder, mesh)
  arrays = data_lib.load(config.data, 'train')
  knows = f'{len(classifier.class_names)} classes of {"x".join(map(str, classifier.image_shape))}'
  needs = f'{len(arrays.class_names)} classes of {"x".join(map(str, arrays.images.shape[1:]))}'
  if knows != needs:
    raise UserError(
      f'the {role} in {folder} knows {knows} images, the data set {config.data.dataset} has '
      f'{needs}: change config.{role}.folder'
    )
  return classifier


def build_gan(config, method: str, arrays, classifier: Classifier | None):
  """The GAN algorithm of an experiment and the frozen arrays its batches carry."""
  algorithm = gan_algorithm(
    config.algorithm,
    method,
    arrays.images.shape[1:],
    len(arrays.class_names),
    classifier.classify if classifier else None,
  )
  frozen = {'classifier': classifier.variables} if method == 'class_balancing' else {}
  return algorithm, frozen
