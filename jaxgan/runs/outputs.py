"""The optional outputs of training jobs: pictures, curves and the progress page."""

from collections.abc import Callable

from jaxgan.evaluation.evaluate import Evaluation
from jaxgan.report import blocks, curves, page
from jaxgan.system import messages
from jaxgan.training import logging
from jaxgan.training.job import OptionalOutput, TrainingJob


def of_method(
  job: TrainingJob, evaluation: Evaluation, shown: Callable
) -> tuple[OptionalOutput, ...]:
  """Lists the outputs of a method: pictures per replica, joint curves, the first replica's page.

  Args:
    job: the job.
    evaluation: its evaluation.
    shown: `shown(folder, class_names, class_counts)` returns the blocks of the page.

  Returns:
    The outputs.
  """
  assert job.folder is not None  # Only traced jobs have no folder.
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
  """Lists the outputs of a classifier: its curves."""

  def shown():
    assert job.folder is not None
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
  last, said = job.last_step, []

  def write(folder, step, seen):
    if page.is_due(folder, step, last):
      page.write_progress(folder, title, shown(), step, last)
    if not said:
      said.append(step)
      messages.message(f'{job.name}: its page is {folder / page.PROGRESS_FILE}')

  return (OptionalOutput(f'preview of {job.folder}', 'log_every', write),)
