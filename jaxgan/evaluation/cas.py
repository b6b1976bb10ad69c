"""Classification accuracy score: a classifier trained on generated images, tested on real ones.

A generator that leaves out classes, or draws few different images of them, teaches a classifier
little. See "Classification Accuracy Score for Conditional Generative Models", Ravuri and Vinyals
2019, and §5 of "Class Balancing GAN with a Classifier in the Loop".
"""

import hashlib
import pathlib
import shutil
from typing import NamedTuple

import numpy as np

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
  """What the folder of the score's classifier remembers."""

  checkpoint: WholeNumber = field(..., 'step of the generator')
  updates: Count = field(..., 'steps of the classifier')


class Score(NamedTuple):
  """A classification accuracy score, and what a record says of it: settings and run."""

  accuracy: float
  settings: dict
  run: dict


def num_images(config, num_training: int) -> int:
  """How many images an experiment generates for a score: as many as for training unless it says."""
  return num_training if (asked := config.evaluation.cas_images) is None else asked


def generated(arrays, images, labels):
  """Generated images in place of the training images.

  Args:
    arrays: the training images.
    images: uint8 `[N, H, W, C]`.
    labels: int `[N]`: of an unconditional GAN a classifier's, and of a conditional one the classes
      asked for, drawn uniformly (authors' released code).

  Returns:
    `data_prep.build.Arrays`; its key tells the very images and labels.
  """
  labels = labels.astype(np.int32)
  digest = hashlib.sha256(np.ascontiguousarray(images).data)  # 100,000 of 64x64 have 1.2 GB.
  digest.update(labels.tobytes())
  key = f'generated/{digest.hexdigest()[:16]}'
  return arrays._replace(images=images, labels=labels, key=key)


def job(config, images, step: int, seed: int, folder: pathlib.Path) -> TrainingJob:
  """The job that trains the score's classifier.

  The section's epochs are of the generated images: 200 in the published rows, as for the published
  classifier, which are 781 updates each with 100,000 images in batches of 128.

  Args:
    config: the experiment's; its section `cas` says how to train, and on which data to test.
    images: what `generated` returns.
    step: of the checkpoint that the images are from.
    seed: of the classifier.
    folder: of the run or replica, gets a folder of the job.
  """
  data = training_data.whole(images)
  updates = total_steps(config.cas, data)
  own = classifiers.job_config(seed, config.cas, images, CasJob, checkpoint=step, updates=updates)
  return classifiers.training_job('cas', folder / FOLDER, own, data, loading.load(own.data, 'test'))


def train(job: TrainingJob, mesh) -> float:
  """Trains the classifier; returns its accuracy on the real test images.

  It continues where it was stopped; what was trained on other images is removed first.
  """
  if identity.changes(job.folder, job.config):
    shutil.rmtree(job.folder)
  loop.train(job, mesh)
  _, states = restore(job.algorithm, job.folder, 'latest', 1, mesh)
  return job.evaluate(replicate.take(states, 0), 0)[1]


def score(job: TrainingJob, accuracy: float, labelled_by: str) -> Score:
  """What a record says of a trained classifier of some accuracy and the images' labels."""
  num_images, train = len(job.data.arrays.labels), job.config.train
  settings = {
    'cas_images': num_images,
    'cas_network': classifiers.network_name(job.config.algorithm),
    'cas_epochs': job.config.updates // order.steps_per_epoch(num_images, train.batch_size),
  }
  return Score(accuracy, settings, {'cas_labels': labelled_by})
