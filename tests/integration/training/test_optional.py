"""Optional outputs: their errors do not end a run, and a killed run draws them later."""

import contextlib
import json
import types

import pytest
import tensorboardX.summary

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import execute
from jaxgan.system import checkpoint, distributed, files, stopping
from jaxgan.training import loop, optional
from jaxgan.training.job import OptionalOutput
from tests.support import stand_in, toy
from tests.support.evaluations import report

ERRORS = (ValueError, RuntimeError, MemoryError, KeyError)


def raises(error):
  """Returns a function of any arguments that raises an error of two lines."""

  def function(*arguments, **options):
    raise error('an error\nof two lines')

  return function


def last_checkpoint(job):
  with checkpoint.Checkpoints(job.folder / 'checkpoints') as checkpoints:
    return checkpoints.latest_step()


def test_an_error_is_logged_once_and_again_after_a_success(capsys):
  for error in (ValueError('bad\nvery'), KeyError('x'), None, OSError(28, 'full'), MemoryError()):
    with optional.output('a.png'):
      if error:
        raise error
  assert capsys.readouterr().err.splitlines() == [
    'a.png left out: ValueError: bad', 'a.png left out: [Errno 28] full'
  ]  # fmt: skip


@pytest.mark.parametrize('error', [KeyboardInterrupt, SystemExit, stopping.Stopped])
def test_a_stop_is_not_suppressed(error):
  with pytest.raises(error), optional.output('a.png'):
    raise error(2)


@pytest.mark.parametrize('error', ERRORS)
def test_no_optional_output_ends_training(make_job, mesh, monkeypatch, capsys, error):
  monkeypatch.setattr(tensorboardX.summary, 'scalar', raises(error))
  job = make_job(steps=6, picture_every=2, picture=raises(error))
  job = toy.with_preview(job, raises(error))
  loop.train(job, mesh)
  assert last_checkpoint(job) == 6
  assert [row['step'] for row in toy.rows(job)] == [2, 4, 6]
  lines = capsys.readouterr().err
  for line in (f'pictures of {job.folder} left out: {error.__name__}: ',
               f'preview of {job.folder} left out: {error.__name__}: ',
               'toy: no more events for TensorBoard: '):  # fmt: skip
    assert lines.count(line) == 1
  assert 'two lines' not in lines or error is KeyError  # Its message is one line, quoted.
  assert not (job.folder / 'outputs_owed').exists()


@pytest.mark.parametrize('several', [False, True])
def test_with_several_processes_observations_are_not_skipped(
  make_job, monkeypatch, capsys, several
):
  """A process that skipped a collective would block the others; only the writer writes."""
  job, written = make_job(), []
  run = types.SimpleNamespace(job=job, step=2, _replicas=types.SimpleNamespace(state=lambda r: r))
  monkeypatch.setattr(distributed, 'are_several', lambda: several)

  def draw(write, observe=lambda state, step, replica: (state, step)):
    loop._Run._draw(run, OptionalOutput('a picture', 'log_every', write, observe))

  draw(lambda *arguments: written.append(arguments))
  assert written == [(job.folder, 2, (0, 2))]
  draw(raises(ValueError))
  assert capsys.readouterr().err == 'a picture left out: ValueError: an error\n'
  with pytest.raises(ValueError, match='an error') if several else contextlib.nullcontext():
    draw(lambda *arguments: written.append(arguments), raises(ValueError))
  monkeypatch.setattr(files, 'is_writer', lambda: False)
  draw(lambda *arguments: written.append(arguments))
  assert len(written) == 1


def test_an_error_in_an_evaluation_ends_training_and_costs_no_steps(make_job, mesh):
  whole, job = make_job('whole'), make_job('failing', evaluate=raises(ValueError))
  loop.train(whole, mesh)
  with pytest.raises(ValueError, match='an error'):
    loop.train(job, mesh)
  assert last_checkpoint(job) == 2
  assert toy.rows(job) == []
  loop.train(job._replace(evaluate=whole.evaluate), mesh)
  assert toy.rows(job) == toy.rows(whole)


@pytest.mark.parametrize('step', [2, 4, 6])
def test_a_run_killed_between_checkpoint_and_picture_draws_it_later(make_job, mesh, step):
  """Also after the last step, when the run has its last checkpoint."""
  events, whole = [], make_job('whole', steps=6)
  loop.train(whole, mesh)

  def picture(state, at, replica):
    events.append(('picture', at))
    if at == step and len(killed) < 1:
      killed.append(at)
      raise KeyboardInterrupt  # The run ends without another checkpoint.

  killed = []
  job = make_job('killed', steps=6, picture_every=2, picture=picture)
  job = toy.with_preview(job, lambda at: events.append(('preview', at)))
  with pytest.raises(KeyboardInterrupt):
    loop.train(job, mesh)
  assert last_checkpoint(job) == step
  assert toy.rows(job)[-1]['step'] == step
  loop.train(job, mesh)
  assert last_checkpoint(job) == 6
  kinds = [(kind, at) for at in (2, 4, 6) for kind in ('picture', 'preview')]
  kinds.insert(kinds.index(('picture', step)), ('picture', step))
  assert events == kinds
  assert toy.rows(job) == toy.rows(whole)
  loop.train(job, mesh)
  assert events == kinds  # Nothing is drawn again.


def test_a_stop_in_a_picture_without_a_checkpoint_draws_it_later(make_job, mesh):
  drawn = []

  def picture(state, at, replica):
    drawn.append(at)
    if drawn == [3]:
      raise stopping.Stopped(15)

  every = {'picture_every': 3, 'checkpoint_every': 2, 'evaluate_every': 4}
  job = make_job(steps=4, picture=picture, **every)
  with pytest.raises(stopping.Stopped):
    loop.train(job, mesh)
  assert last_checkpoint(job) == 3
  loop.train(job, mesh)
  assert drawn == [3, 3, 4]
  assert [row['step'] for row in toy.rows(job)] == [2, 3, 4]


@pytest.mark.parametrize(
  'family', ['class_balancing', pytest.param('codes', marks=pytest.mark.slow)]
)
def test_no_picture_ends_an_experiment(tmp_path, monkeypatch, stand_in_data, capsys, family):
  """The numbers are written, and every missing picture is named."""
  from matplotlib.figure import Figure

  from jaxgan.report import grids, page

  del stand_in_data
  config = stand_in.tiny() if family == 'class_balancing' else stand_in.tiny_codes()
  config, (method,) = changed(config, {'train.preview': True}), config.methods
  with monkeypatch.context() as patch:
    patch.setattr(Figure, 'savefig', raises(ValueError))
    patch.setattr(grids, 'save_png', raises(RuntimeError))
    patch.setattr(page, 'write_progress', raises(MemoryError))
    table = execute.run(config, tmp_path)
  lines = capsys.readouterr().err
  folder = tmp_path / method
  expected = {
    'class_balancing': [folder / 'class_histogram_over_time.png', tmp_path / 'class_histogram.png',
                        tmp_path / 'samples_by_class.png', tmp_path / 'per_class_frechet.png'],
    'codes': [folder / name for name in ('confusion.png', 'prior_against_truth.png',
                                         'prior_over_time.png', 'code_grid.png', 'retrieval.png')],
  }  # fmt: skip
  for path in (folder / 'samples', folder / 'loss_curves.png', *expected[family]):
    assert lines.count(f'{path} left out: ') == 1, lines
  assert f'preview of {folder} left out: ValueError' in lines
  assert method in table
  assert 'picture:' not in table
  assert 'Traceback' not in lines
  assert (folder / 'checkpoints' / '4').exists()
  assert not list(folder.glob('*owed*'))
  assert json.loads((folder / 'evaluation.json').read_text())['step'] in (2, 4)
  assert not list(folder.rglob('*.png'))
  execute.run(config, tmp_path)  # A later success.
  assert len(list(tmp_path.rglob('*.png'))) > 2


def test_a_report_without_its_pictures_is_an_error_but_keeps_the_numbers(finished, tmp_path):
  from matplotlib.figure import Figure

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(Figure, 'savefig', raises(ValueError))
    with pytest.raises(UserError, match='is written, but some of its pictures are not: ValueError'):
      report([finished[0]], tmp_path / 'report.md')
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(files, 'replace', raises(RuntimeError))
    with pytest.raises(UserError, match=r'cannot write the report to .*html: RuntimeError: an'):
      report([finished[0]], tmp_path / 'report.html')
  assert '\n## Class balance\n' in (tmp_path / 'report.md').read_text()
  assert [path.name for path in tmp_path.iterdir()] == ['report.md']


def test_owed_marks_interrupted_outputs(tmp_path):
  path = tmp_path / 'owed'
  assert not optional.is_owed(path)

  def interrupted():
    assert optional.is_owed(path)
    raise KeyboardInterrupt

  with pytest.raises(KeyboardInterrupt), optional.owed(path):
    interrupted()
  assert optional.is_owed(path)
  with optional.owed(path):
    path.unlink()  # The user may remove it.
  assert not path.exists()
