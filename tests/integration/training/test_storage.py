"""Damaged checkpoints, full disks and unwritable folders."""

import os
import shutil
import signal
import time

import orbax.checkpoint as ocp
import pytest

from jaxgan.errors import StorageError, UserError
from jaxgan.system import stopping
from jaxgan.training import loop
from jaxgan.training.restore import restore
from tests.support import toy


def _truncate(folder):
  for path in folder.rglob('*'):
    if path.is_file() and path.stat().st_size > 200:
      path.write_bytes(path.read_bytes()[:100])


def _remove_largest(folder):
  max(folder.rglob('*'), key=lambda path: path.stat().st_size if path.is_file() else 0).unlink()


def test_a_damaged_checkpoint_is_one_clear_line(make_job, mesh):
  job = make_job(steps=2)
  loop.train(job, mesh)
  _truncate(job.folder / 'checkpoints' / '2')
  with pytest.raises(UserError, match=r'damaged or of another network') as error:
    loop.train(make_job(steps=4), mesh)
  assert '\n' not in str(error.value)
  assert (job.folder / 'checkpoints' / '2').exists()


@pytest.mark.parametrize(
  'damage',
  [
    pytest.param(_truncate, id='cut'),
    pytest.param(_remove_largest, id='file', marks=pytest.mark.slow),
    pytest.param(shutil.rmtree, id='all', marks=pytest.mark.slow),
  ],
)
def test_a_damaged_newest_checkpoint_is_replaced_by_the_previous_one(
  make_job, mesh, assert_trees_equal, capsys, damage
):
  expected = toy.trained(make_job('whole', steps=6), mesh)
  job = make_job('damaged', steps=4)
  loop.train(job, mesh)
  damage(job.folder / 'checkpoints' / '4')
  # Reading reports the damage and changes no files.
  step, _ = restore(job.algorithm, job.folder, 'latest', 1, mesh)
  assert step == 2
  said = '' if damage is shutil.rmtree else 'checkpoints/4 is damaged'
  assert said in capsys.readouterr().err
  # Training continues from there, even of a finished run.
  loop.train(job, mesh)
  lines = capsys.readouterr().err
  assert said in lines
  assert not said or '; step 2 is used' in lines
  assert_trees_equal(toy.trained(make_job('damaged', steps=6), mesh), expected)
  assert [r['step'] for r in toy.rows(job)] == [r['step'] for r in toy.rows(make_job('whole'))]
  kept = job.folder / 'damaged_checkpoints'
  assert [p.name for p in kept.glob('*')] == (['00_step_4'] if said else [])


def test_a_signal_while_a_checkpoint_is_read_is_no_damage(make_job, mesh, monkeypatch, capsys):
  """An interrupted Orbax raises its own error, which would look like damage."""
  job, read = make_job(steps=4), ocp.CheckpointManager.restore
  loop.train(job, mesh)

  def interrupted(self, step, **arguments):
    try:
      os.kill(os.getpid(), signal.SIGTERM)
      time.sleep(0.01)  # A handler has run by now, if there is one.
    except BaseException as error:
      raise RuntimeError('Event loop is closed') from error
    return read(self, step, **arguments)

  monkeypatch.setattr(ocp.CheckpointManager, 'restore', interrupted)
  with pytest.raises(stopping.Stopped), stopping.at_once():
    restore(job.algorithm, job.folder, 'latest', 1, mesh)
  assert 'damaged' not in capsys.readouterr().err


def test_a_checkpoint_that_cannot_be_written_ends_the_run_and_keeps_earlier_ones(
  make_job, mesh, assert_trees_equal, monkeypatch
):
  """As on a full disk; an asynchronous write or the next write raises the error."""
  expected, real = toy.trained(make_job('whole', steps=8), mesh), ocp.CheckpointManager.save
  job = make_job('full', steps=8)

  def full(self, step, **arguments):
    if step == 4:
      raise ValueError(
        'RESOURCE_EXHAUSTED: Error writing local file "x": Failed to write 83 bytes to file 16: '
        "No space left on device [os_error_code='28']"
      )
    return real(self, step, **arguments)

  with monkeypatch.context() as patch:
    patch.setattr(ocp.CheckpointManager, 'save', full)
    with pytest.raises(
      StorageError, match=r'No space left on device\); the last good one is step 2'
    ):
      loop.train(job, mesh)
  assert_trees_equal(toy.trained(job, mesh), expected)
  assert toy.rows(job) == toy.rows(make_job('whole'))


def test_pictures_and_events_that_cannot_be_written_do_not_end_a_run(make_job, mesh, capsys):
  def picture(state, step, replica):
    raise NotADirectoryError(20, 'Not a directory', 'samples')

  job = make_job(steps=4, picture=picture)
  job.folder.mkdir(parents=True)
  (job.folder / 'tensorboard').write_text('a file')
  loop.train(job, mesh)
  assert [row['step'] for row in toy.rows(job)][-1] == 4
  lines = capsys.readouterr().err
  assert 'no more events for TensorBoard' in lines
  assert f'pictures of {job.folder} left out: [Errno 20] Not a directory' in lines


def test_a_preview_follows_every_row_and_its_errors_do_not_end_the_run(make_job, mesh, capsys):
  shown = []

  def preview(step):
    # The row is already written.
    assert toy.rows(job)[-1]['step'] == step
    shown.append(step)
    if step == 4:
      raise UserError('a damaged picture')
    if step == 6:
      raise OSError(28, 'No space left on device', 'progress.html')

  job = toy.with_preview(make_job('shown', steps=6, log_every=2), preview)
  loop.train(job, mesh)
  assert shown == [row['step'] for row in toy.rows(job)] == [2, 4, 6]
  lines = capsys.readouterr().err
  assert lines.count(f'preview of {job.folder} left out: a damaged picture') == 1
  assert 'No space left' not in lines  # The error is raised once.
