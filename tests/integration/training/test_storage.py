"""Damaged checkpoints, disks that are full and folders that cannot be written."""

import os
import shutil
import signal
import time

import orbax.checkpoint as ocp
import pytest

from jaxgan.errors import StorageError, UserError
from jaxgan.system import stopping
from jaxgan.training import jobs, loop
from tests.support import toy


def _truncate(folder):
  for path in folder.rglob('*'):
    if path.is_file() and path.stat().st_size > 200:
      path.write_bytes(path.read_bytes()[:100])


def _remove_largest(folder):
  max(folder.rglob('*'), key=lambda path: path.stat().st_size if path.is_file() else 0).unlink()


def test_a_damaged_checkpoint_is_one_clear_line(make_job, mesh):
  job = make_job(steps=2)
  loop.run(job, mesh)
  _truncate(job.folder / 'checkpoints' / '2')
  with pytest.raises(UserError, match=r'damaged or of another network') as error:
    loop.run(make_job(steps=4), mesh)
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
def test_a_damaged_newest_checkpoint_is_replaced_by_the_one_before(
  make_job, mesh, assert_trees_equal, capsys, damage
):
  expected = toy.trained(make_job('whole', steps=6), mesh)
  job = make_job('damaged', steps=4)
  loop.run(job, mesh)
  damage(job.folder / 'checkpoints' / '4')
  # Reading only, it says so and leaves all as it is.
  step, _ = jobs.restore(job.algorithm, job.folder, 'latest', 1, mesh)
  assert step == 2
  said = '' if damage is shutil.rmtree else 'checkpoints/4 is damaged'
  assert said in capsys.readouterr().err
  # Finished or not, training goes on from there.
  loop.run(job, mesh)
  lines = capsys.readouterr().err
  assert said in lines and (not said or '; step 2 is used' in lines)
  assert_trees_equal(toy.trained(make_job('damaged', steps=6), mesh), expected)
  assert [r['step'] for r in toy.rows(job)] == [r['step'] for r in toy.rows(make_job('whole'))]
  kept = job.folder / 'damaged_checkpoints'
  assert [p.name for p in kept.glob('*')] == (['00_step_4'] if said else [])


def test_a_signal_while_a_checkpoint_is_read_is_no_damage(make_job, mesh, monkeypatch, capsys):
  """Orbax, interrupted, raises an error of its own: the checkpoint before would be used."""
  job, read = make_job(steps=4), ocp.CheckpointManager.restore
  loop.run(job, mesh)

  def interrupted(self, step, **arguments):
    try:
      os.kill(os.getpid(), signal.SIGTERM)
      time.sleep(0.01)  # Where a handler runs, it has run.
    except BaseException as error:
      raise RuntimeError('Event loop is closed') from error
    return read(self, step, **arguments)

  monkeypatch.setattr(ocp.CheckpointManager, 'restore', interrupted)
  with pytest.raises(stopping.Stopped), stopping.at_once():
    jobs.restore(job.algorithm, job.folder, 'latest', 1, mesh)
  assert 'damaged' not in capsys.readouterr().err


def test_a_checkpoint_that_cannot_be_written_ends_the_run_and_not_what_was_saved(
  make_job, mesh, assert_trees_equal, monkeypatch
):
  """As on a full disk; the error comes from an asynchronous write, or from the one after it."""
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
      loop.run(job, mesh)
  assert_trees_equal(toy.trained(job, mesh), expected)
  assert toy.rows(job) == toy.rows(make_job('whole'))


def test_pictures_and_events_that_cannot_be_written_do_not_end_a_run(make_job, mesh, capsys):
  def picture(state, step, replica):
    raise NotADirectoryError(20, 'Not a directory', 'samples')

  job = make_job(steps=4, picture=picture)
  job.folder.mkdir(parents=True)
  (job.folder / 'tensorboard').write_text('a file')
  loop.run(job, mesh)
  assert [row['step'] for row in toy.rows(job)][-1] == 4
  lines = capsys.readouterr().err
  assert 'no more events for TensorBoard' in lines
  assert f'pictures of {job.folder} left out: [Errno 20] Not a directory' in lines


def test_a_preview_comes_with_every_row_and_is_not_worth_a_run(make_job, mesh, capsys):
  shown = []

  def preview(step, last_step):
    # What a row tells is there already.
    assert toy.rows(job)[-1]['step'] == step
    shown.append((step, last_step))
    if step == 4:
      raise UserError('a damaged picture')
    if step == 6:
      raise OSError(28, 'No space left on device', 'progress.html')

  job = make_job('quiet', steps=4, log_every=2)._replace(preview=preview)
  loop.run(job, mesh)
  assert shown == []  # Nobody asked for it.
  job = make_job('shown', steps=6, log_every=2, preview=True)._replace(preview=preview)
  loop.run(job, mesh)
  assert [step for step, _ in shown] == [row['step'] for row in toy.rows(job)] and len(shown) > 2
  assert {last for _, last in shown} == {6} and shown[-1] == (6, 6)
  lines = capsys.readouterr().err
  assert lines.count(f'preview of {job.folder} left out: a damaged picture') == 1
  assert 'No space left' not in lines  # Once is enough.
