"""Classification accuracy score: a classifier trained on generated and tested on real images.

The score falls if the generator misses classes or draws little diversity within them. See
"Classification Accuracy Score for Conditional Generative Models", Ravuri and Vinyals 2019, and §5
of "Class Balancing GAN with a Classifier in the Loop".
"""

import hashlib
import pathlib
import shutil
from typing import Any, NamedTuple

import jax
import numpy as np

from data_prep.build import Arrays
from jaxgan.algorithms import replicate
from jaxgan.config import identity
from jaxgan.config.section import Count, WholeNumber, field
from jaxgan.data import loading, order, training_data
from jaxgan.training import classifiers, loop
from jaxgan.training.config import ClassifierJob
from jaxgan.training.job import TrainingJob, total_steps
from jaxgan.training.restore import restore

FOLDER = 'cas'  # in the folder of the run or replica


class CasJob(ClassifierJob):
  """The configuration that the folder of the score's classifier stores."""

  checkpoint: WholeNumber = field(..., 'step of the generator')
  updates: Count = field(..., 'steps of the classifier')


class Score(NamedTuple):
  """A classification accuracy score.

  Attributes:
    accuracy: the score.
    settings: fields for the `settings` of a record.
    run: fields for the `run` of a record.
  """

  accuracy: float
  settings: dict[str, Any]
  run: dict[str, Any]


def num_images(config: Any, num_training: int) -> int:
  """Returns how many images to generate for a score: `cas_images`, or as many as for training."""
  return num_training if (asked := config.evaluation.cas_images) is None else asked


def generated(arrays: Arrays, images: np.ndarray, labels: np.ndarray) -> Arrays:
  """Replaces the training images by generated images.

  Args:
    arrays: the training images.
    images: uint8 `[N, H, W, C]`.
    labels: int `[N]`: for an unconditional GAN, the labels of a classifier; for a conditional GAN,
      the classes that its images were drawn for, uniform as in the authors' released code.

  Returns:
    Arrays whose key is a hash of the images and labels.
  """
  labels = labels.astype(np.int32)
  digest = hashlib.sha256(np.ascontiguousarray(images).data)  # 100,000 of 64x64 have 1.2 GB.
  digest.update(labels.tobytes())
  key = f'generated/{digest.hexdigest()[:16]}'
  return arrays._replace(images=images, labels=labels, key=key)


def job(config: Any, images: Arrays, step: int, seed: int, folder: pathlib.Path) -> TrainingJob:
  """Builds the job that trains the score's classifier.

  `config.cas.train.epochs` counts epochs of the generated images. Published rows have 200 epochs,
  as the published classifier: 781 updates each with 100,000 images in batches of 128.

  Args:
    config: the experiment; its section `cas` configures the training and the test data.
    images: the result of `generated`.
    step: the step of the checkpoint that drew the images.
    seed: the seed of the classifier.
    folder: the folder of the run or replica, where the job gets a folder.

  Returns:
    The job.
  """
  data = training_data.whole(images)
  updates = total_steps(config.cas, data)
  own = classifiers.job_config(seed, config.cas, images, CasJob, checkpoint=step, updates=updates)
  return classifiers.training_job('cas', folder / FOLDER, own, data, loading.load(own.data, 'test'))


def train(job: TrainingJob, mesh: jax.sharding.Mesh) -> float:
  """Trains the classifier; returns its accuracy on the real test images.

  A stopped training resumes. A classifier of other generated images is removed first.
  """
  assert job.folder is not None
  if identity.changes(job.folder, job.config):
    shutil.rmtree(job.folder)
  loop.train(job, mesh)
  _, states = restore(job.algorithm, job.folder, 'latest', 1, mesh)
  accuracy = job.evaluate(replicate.take(states, 0), 0)[1]
  assert accuracy is not None
  return accuracy


def score(job: TrainingJob, accuracy: float, labelled_by: str) -> Score:
  """Builds the Score of a trained classifier; `labelled_by` is the origin of the labels."""
  num_images, train = len(job.data.arrays.labels), job.config.train
  settings = {
    'cas_images': num_images,
    'cas_network': classifiers.network_name(job.config.algorithm),
    'cas_epochs': job.config.updates // order.steps_per_epoch(num_images, train.batch_size),
  }
  return Score(accuracy, settings, {'cas_labels': labelled_by})
