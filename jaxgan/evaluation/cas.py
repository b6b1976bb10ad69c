"""Classification accuracy score: a classifier trained on generated images, tested on real ones.

A generator that leaves out classes, or draws few different images of them, teaches a classifier
little. See "Classification Accuracy Score for Conditional Generative Models", Ravuri and Vinyals
2019, and §5 of "Class Balancing GAN with a Classifier in the Loop".
"""

import hashlib
import pathlib
import shutil

import numpy as np

from jaxgan.algorithms import replicate
from jaxgan.config import identity
from jaxgan.config.section import Count, WholeNumber, field
from jaxgan.data import loading, training_data
from jaxgan.runs import sampling
from jaxgan.runs.experiment import ClassifierJob
from jaxgan.training import jobs, loop

FOLDER = 'cas'  # in the folder of the run or replica


class CasJob(ClassifierJob):
  """What the folder of the score's classifier remembers."""

  checkpoint: WholeNumber = field(..., 'step of the generator')
  updates: Count = field(..., 'steps of the classifier')


def generate(sample, arrays, num_images: int | None, seed: int, batch_size: int):
  """Labelled generated images, always the same ones.

  Their labels are those that `sample` gives: of an unconditional GAN a classifier's, and of a
  conditional one the classes asked for, drawn uniformly (authors' released code).

  Args:
    sample: `sample(rng, num_images) -> (images, labels)`, see `evaluate.Evaluation.sampler`.
    arrays: the training images.
    num_images: how many; None for as many as there are training images.
    seed: of the noise.
    batch_size: images to generate at once.

  Returns:
    `data_prep.build.Arrays`; its key tells the very images and labels.
  """
  num_images = len(arrays.labels) if num_images is None else num_images
  images, labels = sampling.draw(sample, arrays.class_names, num_images, False, seed, batch_size)
  labels = labels.astype(np.int32)
  digest = hashlib.sha256(np.ascontiguousarray(images).data)  # 100,000 of 64x64 have 1.2 GB.
  digest.update(labels.tobytes())
  key = f'generated/{digest.hexdigest()[:16]}'
  return arrays._replace(images=images, labels=labels, key=key)


def job(config, generated, step: int, seed: int, folder: pathlib.Path) -> loop.Job:
  """The job that trains the score's classifier.

  The section's epochs are of the generated images: 200 in the published rows, as for the published
  classifier, which are 781 updates each with 100,000 images in batches of 128.

  Args:
    config: the experiment's; its section `cas` says how to train, and on which data to test.
    generated: what `generate` returns.
    step: of the checkpoint that the images are from.
    seed: of the classifier.
    folder: of the run or replica, gets a folder of the job.
  """
  data = training_data.whole(generated)
  updates = loop.total_steps(config.cas, data)
  own = jobs.job_config(seed, config.cas, generated, CasJob, checkpoint=step, updates=updates)
  test = loading.load(own.data, 'test')
  return jobs.training_job('cas', folder / FOLDER, own, data, test)


def accuracy(job: loop.Job, mesh) -> float:
  """The share of the real test images that the classifier, once trained, is right on.

  It continues where it was stopped; what was trained on other images is removed first.
  """
  if identity.changes(job.folder, job.config):
    shutil.rmtree(job.folder)
  loop.run(job, mesh)
  _, states = jobs.restore(job.algorithm, job.folder, 'latest', 1, mesh)
  return job.evaluate(replicate.take(states, 0), 0)[1]
