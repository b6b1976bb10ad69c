"""The optional outputs of training jobs: pictures, curves and the progress page."""

from collections.abc import Callable

from jaxgan.report import blocks, curves, page
from jaxgan.training import logging
from jaxgan.training.job import OptionalOutput, TrainingJob


def of_method(job: TrainingJob, evaluation, shown: Callable) -> tuple[OptionalOutput, ...]:
  """What is drawn of a method: pictures of each replica, curves of all, the page of the first.

  Args:
    job: the job.
    evaluation: its `jaxgan.evaluation.evaluate.Evaluation`.
    shown: `shown(folder, class_names, class_counts)`, the blocks of the page.
  """
  first, *others = folders = logging.replica_folders(job.folder, job.num_replicas)
  several = f', the first of {len(folders)} replicas' if others else ''

  def observe(state, step, replica):
    return evaluation.observe(state, replica)

  def of_first():
    return shown(first, job.data.class_names(0), job.data.share_counts(0))

  name = f'pictures of {job.folder}'
  pictures = OptionalOutput(name, 'picture_every', evaluation.picture, observe)
  whole = (_loss_curves(str(job.folder / 'loss_curves.png')),) if others else ()
  return pictures, *whole, *_progress_page(job, f'{job.name}{several}', of_first)


def of_classifier(job: TrainingJob) -> tuple[OptionalOutput, ...]:
  """What is drawn of a classifier: its curves."""

  def shown():
    rows = logging.read_metrics(job.folder)
    return [blocks.Images('Curves', curves.scalars(rows, lambda scalar: True))]

  return _loss_curves(f'pictures of {job.folder}'), *_progress_page(job, job.name, shown)


def _loss_curves(name):
  def write(folder, step, seen):
    curves.loss_curves(logging.read_metrics(folder), folder / 'loss_curves.png')

  return OptionalOutput(name, 'picture_every', write)


def _progress_page(job, title, shown):
  if not job.config.train.preview:
    return ()
  last = job.last_step

  def write(folder, step, seen):
    if page.is_due(folder, step, last):
      page.write_progress(folder, title, shown(), step, last)

  return (OptionalOutput(f'preview of {job.folder}', 'log_every', write),)
