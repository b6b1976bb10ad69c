"""A stop logs its row and draws its pictures; the resumed run drops both."""

import os
import signal

import pytest

from jaxgan.system import checkpoint, stopping
from jaxgan.training import logging, loop
from tests.support import toy

EVERY = {'steps': 8, 'log_every': 3, 'evaluate_every': 4, 'picture_every': 4, 'checkpoint_every': 8}


@pytest.fixture
def stop_at(monkeypatch):
  """stop_at(step): a signal arrives in the step before."""
  real = stopping.StopRequest.__call__

  def stop(step):
    def asked(self):
      if sum(counts) == step and not signals:
        signals.append(step)
        os.kill(os.getpid(), signal.SIGTERM)
      return real(self)

    counts, signals = [], []
    advance = loop.Replicas.advance

    def counting(self, num_steps, should_stop, took):
      advance(self, num_steps, should_stop, lambda steps: (counts.append(steps), took(steps)))

    monkeypatch.setattr(loop.Replicas, 'advance', counting)
    monkeypatch.setattr(stopping.StopRequest, '__call__', asked)

  return stop


def _draws(job, then=lambda step: None):
  """The job with pictures that are files; `then(step)` follows."""

  def picture(folder, step, seen):
    (folder / 'samples').mkdir(parents=True, exist_ok=True)
    (folder / 'samples' / f'step_{step:08d}_ema.png').write_text(
      str(len(logging.read_metrics(folder)))
    )
    then(step)

  (output,) = toy.job(job.folder, picture=lambda state, step, replica: None).outputs
  return job._replace(outputs=(output._replace(write=picture),))


def _files(job):
  return {
    str(path.relative_to(job.folder)): path.read_text()
    for kind in ('samples/*', 'metrics.jsonl')
    for path in job.folder.rglob(kind)
  }


def _checkpoints(job):
  with checkpoint.Checkpoints(job.folder / 'checkpoints') as checkpoints:
    return checkpoints.steps('latest')


def _stopped(job, mesh):
  with pytest.raises(stopping.Stopped):
    loop.train(job, mesh)


@pytest.mark.parametrize(
  'sizes', [(50,), pytest.param((50, 31), marks=pytest.mark.slow)], ids=['one', 'replicas']
)
def test_a_stop_has_a_row_and_a_picture_which_the_resumed_run_drops(
  make_job, mesh, stop_at, tmp_path, capsys, sizes
):
  data = toy.training_data(sizes)
  whole, job = (_draws(toy.job(tmp_path / name, data, **EVERY)) for name in ('whole', 'stopped'))
  loop.train(whole, mesh)
  stop_at(5)
  capsys.readouterr()
  _stopped(job, mesh)
  said = capsys.readouterr().err
  assert [row['step'] for row in toy.rows(job)] == [3, 4, 5]
  folders = logging.replica_folders(job.folder, len(sizes))
  for folder in folders:
    assert [row['step'] for row in logging.read_metrics(folder)] == [3, 4, 5]
    assert (folder / 'samples' / 'step_00000005_ema.png').read_text() == '3'  # After the row.
  assert _checkpoints(job)[0] == 5
  assert 'toy: stopped by SIGTERM, saving step 5\n' in said
  assert said.splitlines()[-1].startswith('toy: stopped by SIGTERM after step 5; the same command')
  loop.train(job, mesh)
  assert _files(job) == _files(whole)
  assert 'toy: resuming from step 5 of 8\n' in capsys.readouterr().err


def test_a_row_of_a_stop_is_the_mean_since_the_row_before(make_job, mesh, stop_at):
  every_step, job = make_job('every', **EVERY | {'log_every': 1}), make_job('stopped', **EVERY)
  loop.train(every_step, mesh)
  stop_at(6)
  _stopped(job, mesh)
  own = {row['step']: row['brightness'] for row in toy.rows(every_step)}
  assert [row['step'] for row in toy.rows(job)] == [3, 4, 6]
  # Step 6 is due and belongs to the log.
  assert toy.rows(job)[-1]['brightness'] == pytest.approx((own[5] + own[6]) / 2)


def test_a_logged_step_gets_no_second_row(make_job, mesh, stop_at):
  job = _draws(make_job('stopped', **EVERY), lambda step: os.kill(os.getpid(), signal.SIGINT))
  _stopped(job, mesh)
  assert [row['step'] for row in toy.rows(job)] == [3, 4]
  assert list(_files(job)) == ['samples/step_00000004_ema.png', 'metrics.jsonl']


@pytest.mark.parametrize(
  'trouble', ['kill', *(pytest.param(t, marks=pytest.mark.slow) for t in ('signal', 'error'))]
)
def test_the_checkpoint_and_the_row_come_before_the_picture(make_job, mesh, stop_at, trouble):
  def fail(step):
    saved.append((_checkpoints(job), toy.rows(job)[-1]['step']))
    if trouble == 'signal':
      os.kill(os.getpid(), signal.SIGINT)
    raise {'signal': ValueError, 'error': ValueError, 'kill': KeyboardInterrupt}[trouble]

  saved, job = [], make_job('stopped', **EVERY | {'picture_every': 8})
  job = _draws(job, fail)
  stop_at(5)
  with pytest.raises(KeyboardInterrupt if trouble == 'kill' else stopping.Stopped):
    loop.train(job, mesh)
  assert saved == [([5, 4], 5)]
  loop.train(_draws(job), mesh)
  assert [row['step'] for row in toy.rows(job)] == [3, 4, 6, 8]
  assert [name for name in _files(job) if 'png' in name] == ['samples/step_00000008_ema.png']


@pytest.mark.slow
def test_late_after_a_signal_no_further_picture_is_begun(make_job, mesh, stop_at, monkeypatch):
  monkeypatch.setattr(loop, '_GRACE', 0.0)
  job = _draws(make_job('stopped', **EVERY))
  stop_at(5)
  _stopped(job, mesh)
  assert [row['step'] for row in toy.rows(job)] == [3, 4, 5]
  assert [name for name in _files(job) if 'png' in name] == ['samples/step_00000004_ema.png']


@pytest.mark.slow
def test_a_longer_run_keeps_the_last_picture_of_a_finished_one(make_job, mesh):
  for steps in (5, 8):
    job = _draws(make_job('longer', **EVERY | {'steps': steps}))
    loop.train(job, mesh)
  pictures = sorted(name for name in _files(job) if 'png' in name)
  assert pictures == [f'samples/step_{step:08d}_ema.png' for step in (4, 5, 8)]
