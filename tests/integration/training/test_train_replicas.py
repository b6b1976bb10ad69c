"""Replicas: equal to single runs; resume, failure and written files."""

import functools
import json
import pathlib
import statistics
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import replicate
from jaxgan.system import checkpoint, parallel
from jaxgan.training import loop, train_step
from jaxgan.training.job import TrainingJob
from jaxgan.training.replicas import replicas_of
from jaxgan.training.restore import restore
from tests.support import toy

pytestmark = pytest.mark.xdist_group('train_replicas')  # One worker makes the shared fixtures.

MODES = {'in turns': False, 'batched': True}
N = len(toy.SIZES)
FOLDERS = ('.', *(f'replica_{replica:02}' for replica in range(N)))
SCORES = {2: (0.0, 6.0, 3.0), 4: (1.0, -5.0, 7.0)}  # Scores of the replicas at each step.


@pytest.fixture(scope='module')
def mesh():
  return parallel.device_mesh(devices=jax.devices()[:1])


@pytest.fixture(scope='module', params=MODES)
def batched(request):
  """Makes `loop.train` batch the replicas or take them in turns; returns whether batched."""
  with pytest.MonkeyPatch.context() as monkeypatch:
    _train_in(monkeypatch, MODES[request.param])
    yield MODES[request.param]


def _train_in(monkeypatch, batched):
  monkeypatch.setattr(loop, 'replicas_of', functools.partial(replicas_of, batched=batched))


def _never():
  return False


def _advance(job, mesh, chunks, batched=None):
  """Trains from step 0; returns (replicas, metrics of each chunk)."""
  with jax.set_mesh(mesh):
    trainer = replicas_of(job, mesh, batched)
    trainer.initialise()
    return trainer, [_means_over(trainer, num) for num in chunks]


def _means_over(trainer, num_steps, should_stop=_never):
  """Takes some steps and returns their mean metrics."""
  trainer.restart_sums()
  trainer.advance(num_steps, should_stop)
  return trainer.means()


@functools.cache
def _alone(replica):
  """Trains a replica alone; returns (state, metrics after 2 and 5 more steps)."""
  mesh = parallel.device_mesh(devices=jax.devices()[:1])
  trainer, metrics = _advance(toy.single(toy.job(), replica), mesh, (2, 5))
  return jax.device_get(trainer.state(0)), [m[0] for m in metrics]


def _saved(job, mesh, which='latest'):
  """Restores the states of all replicas from a checkpoint."""
  return restore(job.algorithm, job.folder, which, N, mesh)[1]


def _rows(folder):
  return [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]


def _assert_close(a, b):
  assert jax.tree.structure(a) == jax.tree.structure(b)
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), a, b)


@pytest.mark.parametrize('batched', MODES.values(), ids=MODES)
def test_start_changes_every_initial_state(batched, mesh):
  """Every replica starts from it; the rest of its state depends on its seed."""

  def start(state):
    taken = {'params': {**state.variables['params'], 'Dense_0': {'kernel': kernel, 'bias': bias}}}
    return state.replace(variables={**state.variables, **taken})

  kernel, bias = np.full((128, toy.K), 0.5, np.float32), np.arange(toy.K, dtype=np.float32)
  trainer, _ = _advance(toy.job()._replace(start=start), mesh, (), batched)
  params = [trainer.state(replica).variables['params'] for replica in range(N)]
  for own in params:
    np.testing.assert_array_equal(own['Dense_0']['kernel'], kernel)
    np.testing.assert_array_equal(own['Dense_0']['bias'], bias)
  assert not np.array_equal(params[0]['Conv_0']['kernel'], params[1]['Conv_0']['kernel'])


# The numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize('batched', MODES.values(), ids=MODES)
def test_a_replica_equals_a_single_run_of_its_seed_and_images(batched, mesh, assert_trees_equal):
  """Runs more than two epochs of the smallest replica; in turns it is bit-identical."""
  compare = _assert_close if batched else assert_trees_equal
  trainer, metrics = _advance(toy.job(), mesh, (2, 5), batched)
  assert trainer.step == 7
  assert trainer.not_finite() is None
  for replica in range(N):
    state, metrics_alone = _alone(replica)
    compare(trainer.state(replica), state)
    compare(replicate.take(trainer.states(), replica), state)
    compare([m[replica] for m in metrics], metrics_alone)
  assert len({m['loss/toy'] for m in metrics[-1]}) == N


def test_replicas_of_the_same_images_have_different_seeds(mesh):
  data = toy.training_data((40,))
  data = data._replace(**{name: getattr(data, name) * 2 for name in ('indices', 'keys', 'classes')})
  trainer, _ = _advance(toy.job(data=data), mesh, ())
  first, second = (trainer.state(r).variables['params']['Conv_0']['kernel'] for r in range(2))
  assert (first != second).all()


def test_all_replicas_stop_at_the_same_step_and_share_a_compilation(mesh, caplog):
  """Epochs have two to six steps."""
  answers = iter([False, True])
  with jax.set_mesh(mesh), jax.log_compiles():
    trainer = replicas_of(toy.job(), mesh)
    trainer.initialise()
    trainer.advance(1, _never)
    metrics = _means_over(trainer, 9, lambda: next(answers))
  assert [int(carry.step) for carry in trainer.carries] == [3] * N
  for replica in range(N):  # Means over the two steps that were taken.
    counts = trainer.job.data.share_counts(replica)
    np.testing.assert_allclose(metrics[replica]['shares'], counts / counts.sum(), rtol=1e-6)
  compiled = [r for r in caplog.records if r.getMessage().startswith('Compiling jit(one_step)')]
  assert len(compiled) == 1


def test_a_device_loop_over_all_replicas_equals_single_steps(mesh):
  job = toy.job()
  one_step, _ = train_step.make_step(job, batched=True)
  seeds = range(job.config.seed, job.config.seed + N)
  replica_data = replicate.stack([job.data.replica_data(r, seed) for r, seed in enumerate(seeds)])
  with jax.set_mesh(mesh):
    trainer = replicas_of(job, mesh, batched=True)
    trainer.initialise()
    run = train_step.compile_run(one_step, loop_on_device=True, sharding=parallel.replicated(mesh))
    carries = [jax.tree.map(jnp.copy, carry) for carry in trainer.carries]
    looped = run(carries, 3, [replica_data], job.data.dataset, dict(job.frozen), _never)
    trainer.advance(3, _never)
  _assert_close(looped, trainer.carries)


# A run -----------------------------------------------------------------------------------------


class Watched(NamedTuple):
  """A job of 4 steps that records the states that it evaluates and draws."""

  job: TrainingJob
  evaluated: dict[tuple[int, int], Any]
  drawn: dict[tuple[int, int], Any]


def _job(folder: pathlib.Path, killed_at=None) -> Watched:
  """Makes a job with a row after each step and a checkpoint after every second."""
  evaluated, drawn = {}, {}

  def evaluate(state, replica):
    step = int(state.step)
    evaluated[step, replica] = jax.device_get(state)
    values = {'evaluation/value': float(replica**2), 'evaluation/counts': [replica, 1]}
    return values, SCORES[step][replica]

  def picture(state, step, replica):
    if step == killed_at:
      raise KeyboardInterrupt
    drawn[step, replica] = jax.device_get(state)

  job = toy.job(folder, evaluate=evaluate, picture=picture, log_every=1, picture_every=3)
  return Watched(job, evaluated, drawn)


@pytest.fixture(scope='module')
def finished(batched, mesh, tmp_path_factory):
  finished = _job(tmp_path_factory.mktemp('finished'))
  loop.train(finished.job, mesh)
  return finished


def test_a_killed_run_resumes_bit_identically(
  batched, finished, mesh, tmp_path, assert_trees_equal
):
  """It stops between two checkpoints; rows after the first are not written twice."""
  killed = _job(tmp_path, killed_at=3).job
  with pytest.raises(KeyboardInterrupt):
    loop.train(killed, mesh)
  assert {_rows(tmp_path / folder)[-1]['step'] for folder in FOLDERS} == {3}
  loop.train(_job(tmp_path).job, mesh)
  assert_trees_equal(_saved(killed, mesh), _saved(finished.job, mesh))
  for folder in FOLDERS:
    rows = _rows(tmp_path / folder)
    assert [row['step'] for row in rows] == [1, 2, 3, 4]
    assert rows == _rows(finished.job.folder / folder)


def test_metrics_of_every_replica_and_of_all_of_them(finished):
  folder, *replica_folders = (finished.job.folder / name for name in FOLDERS)
  losses = 'loss/toy', 'brightness'
  for whole, *own in zip(_rows(folder), *map(_rows, replica_folders), strict=True):
    evaluates = whole['step'] in SCORES
    scalars = (*losses, 'evaluation/value') if evaluates else losses
    assert whole.keys() == {'step', *scalars, *(f'std/{name}' for name in scalars)}
    for name in scalars:
      column = [row[name] for row in own]
      np.testing.assert_allclose(whole[name], statistics.fmean(column), rtol=1e-6)
      np.testing.assert_allclose(whole[f'std/{name}'], statistics.stdev(column), rtol=1e-6)
    for replica, row in enumerate(own):
      counts = finished.job.data.share_counts(replica)
      np.testing.assert_allclose(row['shares'], counts / counts.sum(), rtol=1e-6)
      assert row.get('evaluation/counts') == ([replica, 1] if evaluates else None)


def test_every_replica_is_evaluated_and_drawn_in_its_state(finished, mesh, assert_trees_equal):
  assert list(finished.evaluated) == [(step, r) for step in (2, 4) for r in range(N)]
  assert list(finished.drawn) == [(step, r) for step in (3, 4) for r in range(N)]
  for (step, replica), state in finished.evaluated.items():
    saved = _saved(finished.job, mesh, str(step))
    assert_trees_equal(state, replicate.take(saved, replica))
  for replica in range(N):
    assert_trees_equal(finished.drawn[4, replica], finished.evaluated[4, replica])


def test_the_best_checkpoint_has_the_highest_mean_score(finished):
  with checkpoint.Checkpoints(finished.job.folder / 'checkpoints') as checkpoints:
    assert checkpoints.steps('best')[0] == 2


def test_a_checkpoint_resumes_in_another_layout(mesh, tmp_path, monkeypatch):
  """In turns on one device, then batched on six, then in turns again."""
  six = parallel.device_mesh(N, jax.devices()[:6])
  for batched, on, steps in ((False, mesh, 2), (True, six, 4), (False, mesh, 7)):
    _train_in(monkeypatch, batched)
    job = toy.job(tmp_path, steps=steps)
    loop.train(job, on)
  states = _saved(job, mesh)
  for replica in range(N):
    _assert_close(jax.device_get(replicate.take(states, replica)), _alone(replica)[0])


# Failure ---------------------------------------------------------------------------------------


def _poisoned(job, replica, step, poison):
  """Makes a job with `poison(state, metrics, bad)` after each update; bad is NaN once."""
  update, num_images = job.algorithm.update, len(job.data.indices[replica])

  def poisoned(state, batch, frozen, rng):
    here = (state.step == step) & (batch.class_counts.sum() == num_images)
    return poison(*update(state, batch, frozen, rng), jnp.where(here, jnp.nan, 0.0))

  return job._replace(algorithm=job.algorithm._replace(update=poisoned))


def _poison_loss(state, metrics, bad):
  return state, metrics | {'loss/toy': metrics['loss/toy'] + bad}


def _poison_state(state, metrics, bad):
  return state.replace(variables=jax.tree.map(lambda x: x + bad, state.variables)), metrics


@pytest.mark.parametrize(
  ('what', 'poison', 'batched'), [('loss', _poison_loss, False), ('state', _poison_state, True)]
)
def test_a_nan_names_its_replica_and_its_step(what, poison, batched, mesh, tmp_path, monkeypatch):
  _train_in(monkeypatch, batched)
  job = _poisoned(toy.job(tmp_path, steps=6), 1, 3, poison)
  found = rf'toy: the {what} of replica 1 became NaN or infinite at step 3; the last .* is step 2'
  with pytest.raises(FloatingPointError, match=found):
    loop.train(job, mesh)
  with checkpoint.Checkpoints(tmp_path / 'checkpoints') as checkpoints:
    assert checkpoints.latest_step() == 2


def test_the_first_nan_of_several_is_named(mesh):
  job = _poisoned(_poisoned(toy.job(), 0, 4, _poison_loss), 2, 1, _poison_loss)
  trainer, _ = _advance(job, mesh, (6,), batched=True)
  assert trainer.not_finite() == ('loss', 2, 1)
