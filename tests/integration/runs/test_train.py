"""Training from Python is interrupted, and continued in another thread."""

import os
import shutil
import signal
import threading

import jaxgan
from jaxgan.config.overrides import changed
from jaxgan.training import logging
from tests.support import stand_in


def test_an_interrupt_saves_and_another_thread_may_continue(
  finished, stand_in_data, tmp_path, monkeypatch, capfd
):
  del stand_in_data
  stand_in.use_one_device(monkeypatch)
  workdir, record = tmp_path / 'run', logging.Log.record
  for role in ('classifier', 'annotator'):
    shutil.copytree(finished[0] / role, workdir / role)
  config = changed(stand_in.tiny(), {'methods': ('unconditional',), 'evaluation.cas': False})

  def interrupt(log, step, rows):
    record(log, step, rows)
    if step == 2:
      os.kill(os.getpid(), signal.SIGINT)

  before, interrupted = signal.getsignal(signal.SIGINT), False
  with monkeypatch.context() as patched:
    patched.setattr(logging.Log, 'record', interrupt)
    try:
      jaxgan.train(config, workdir=workdir)
    except KeyboardInterrupt:
      interrupted = True
  assert interrupted
  assert signal.getsignal(signal.SIGINT) is before
  told = capfd.readouterr().err
  assert 'stopped by SIGINT after step 2' in told
  assert 'tracked_metric' not in told  # Orbax's warning of an unranked checkpoint.
  assert jaxgan.load(workdir).step == 2
  runs = []
  thread = threading.Thread(target=lambda: runs.append(jaxgan.train(config, workdir=workdir)))
  thread.start()
  thread.join()
  assert [(run.method, run.step) for run in runs] == [('unconditional', 4)]
  assert [row['step'] for row in runs[0].metrics] == [2, 4]
