"""The training loop: equal numbers in every mode, exact resume, safe failure."""

import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import Algorithm, gan, gan_methods
from jaxgan.config.overrides import changed
from jaxgan.data import loading, training_data
from jaxgan.errors import UserError
from jaxgan.runs import families
from jaxgan.system import checkpoint, parallel, stopping
from jaxgan.training import loop, train_step
from jaxgan.training.job import total_steps
from tests.support import toy


def _classify(variables, images):
  level = variables * images.mean(axis=(1, 2, 3))
  return jnp.stack([-level, jnp.zeros_like(level), level], axis=-1), images[:, 0, :, 0]


@pytest.fixture
def make_gan_job(tiny_config, stand_in_data, tmp_path):
  """Builds a class-balancing job on stand-in data, with epochs of 9 steps and cycles of 2."""
  del stand_in_data

  def make(folder, steps):
    config = changed(tiny_config, {'train.steps': steps})
    data = loading.load_training(config.data)
    method, shape = gan_methods.METHODS['class_balancing'], data.arrays.images.shape[1:]
    algorithm = gan.gan(config.algorithm, method, shape, 3, _classify)
    return toy.job(tmp_path / folder, data)._replace(
      config=families.method_config(config, 'class_balancing', data),
      algorithm=algorithm,
      frozen={'classifier': np.float32(30.0)},
    )

  return make


def test_resume_is_bit_identical(make_gan_job, mesh, assert_trees_equal):
  """11 steps at once, or stopped after 4 and after 7 (within an epoch of 9 and a cycle of 2)."""
  expected = toy.trained(make_gan_job('whole', 11), mesh)
  for steps in (4, 7, 11):
    resumed = make_gan_job('resumed', steps)
    state = toy.trained(resumed, mesh)
  assert int(state.step) == 11
  assert_trees_equal(state, expected)
  assert [r['step'] for r in toy.rows(resumed)] == sorted({r['step'] for r in toy.rows(resumed)})


def test_a_signal_stops_at_a_checkpoint_and_the_same_command_continues(
  make_job, mesh, assert_trees_equal
):
  expected = toy.trained(make_job('whole', steps=6), mesh)

  def interrupt(state, replica):
    if int(state.step) == 2:
      os.kill(os.getpid(), signal.SIGTERM)
    return {}, 0.0

  with pytest.raises(KeyboardInterrupt):
    loop.train(make_job('stopped', steps=6, evaluate=interrupt), mesh)
  with checkpoint.Checkpoints(make_job('stopped').folder / 'checkpoints') as checkpoints:
    assert checkpoints.latest_step() == 2
  assert_trees_equal(toy.trained(make_job('stopped', steps=6), mesh), expected)


@pytest.mark.parametrize(
  'where',
  [*(pytest.param(where, marks=pytest.mark.slow) for where in ('step', 'evaluation')), 'picture'],
)
def test_a_stop_at_any_step_leaves_log_and_states_unchanged(
  make_job, mesh, assert_trees_equal, monkeypatch, where
):
  """Rows come every 3 steps and evaluations every 4; means over steps are kept, too."""
  every = {'steps': 8, 'log_every': 3, 'evaluate_every': 4, 'picture_every': 4}
  whole = make_job('whole', **every)
  expected, signals = toy.trained(whole, mesh), iter([signal.SIGTERM])

  def send():
    for number in signals:
      os.kill(os.getpid(), number)

  def evaluate(state, replica):
    if where == 'evaluation':
      send()
    return {'evaluation/value': float(state.step)}, float(state.step)

  def picture(state, step, replica):
    drawn.append(step)
    if where == 'picture':
      send()

  def stops(self):
    if where == 'step' and steps.pop(0) == 5:
      send()
    return real(self)

  drawn, steps, real = [], list(range(1, 50)), stopping.StopRequest.__call__
  monkeypatch.setattr(stopping.StopRequest, '__call__', stops)
  job = make_job('stopped', evaluate=evaluate, picture=picture, **every)
  with pytest.raises(stopping.Stopped) as stopped:
    loop.train(job, mesh)
  assert stopped.value.exit_status == 143
  assert_trees_equal(toy.trained(job, mesh), expected)
  rows = [{k: v for k, v in row.items() if not k.startswith('evaluation')} for row in toy.rows(job)]
  assert rows == [{k: v for k, v in r.items() if not k.startswith('eval')} for r in toy.rows(whole)]
  assert [r['evaluation/value'] for r in toy.rows(job) if 'evaluation/value' in r] == [4, 8]
  assert drawn == ([4, 5, 8] if where == 'step' else [4, 4, 8])
  with checkpoint.Checkpoints(job.folder / 'checkpoints') as checkpoints:
    assert checkpoints.steps('best')[0] == 8


def test_a_signal_in_the_last_step_is_not_lost(make_job, mesh):
  """A job that follows must not start."""

  def interrupt(state, replica):
    del state, replica
    os.kill(os.getpid(), signal.SIGINT)
    return {}, 0.0

  with pytest.raises(KeyboardInterrupt):
    loop.train(make_job(steps=2, evaluate=interrupt), mesh)
  with checkpoint.Checkpoints(make_job().folder / 'checkpoints') as checkpoints:
    assert checkpoints.latest_step() == 2


def _first_carry(job, start, mesh):
  """Returns the arguments of `run` at step 0: (carries, replicas_data, dataset, frozen)."""
  replica_data = job.data.replica_data(0, job.config.seed)
  state = jax.jit(job.algorithm.init)(jax.random.key(0))
  constants = (job.data.dataset, dict(job.frozen))
  carry = jax.device_put(start(state, 0, replica_data, *constants), parallel.replicated(mesh))
  return [carry], [replica_data], *constants


def test_device_loop_and_host_loop_compute_the_same(make_job, mesh):
  job = make_job()
  one_step, start = train_step.make_step(job, batched=False)
  results = []
  for loop_on_device in (True, False):
    with jax.set_mesh(mesh):
      carries, *constants = _first_carry(job, start, mesh)
      run = train_step.compile_run(one_step, loop_on_device, parallel.replicated(mesh))
      for num_steps in (3, 8):  # Crosses the end of the first epoch of 6 steps.
        carries = run(carries, num_steps, *constants, lambda: False)
    results.append(jax.device_get(carries))
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=5e-5), *results)
  assert int(results[0][0].step) == 11


def test_device_loop_compiles_once_for_chunks_of_every_length(make_job, mesh):
  job = make_job()
  traces = []

  def counting(update):
    def wrapped(*args):
      traces.append(1)
      return update(*args)

    return wrapped

  job = job._replace(algorithm=job.algorithm._replace(update=counting(job.algorithm.update)))
  one_step, start = train_step.make_step(job, batched=False)
  with jax.set_mesh(mesh):
    carries, *constants = _first_carry(job, start, mesh)
    run = train_step.compile_run(one_step, True, parallel.replicated(mesh))
    carries = run(carries, 2, *constants, lambda: False)
    once = len(traces)
    for num_steps in (1, 3):
      carries = run(carries, num_steps, *constants, lambda: False)
    answers = iter([False, True])  # `should_stop` is called after each piece.
    carries = run(carries, 1000, *constants, lambda: next(answers))
  assert len(traces) == once
  assert 6 < int(carries[0].step) < 1006


def test_logged_metrics_are_means_over_the_steps_since_the_last_row(make_job, mesh):
  def step_number(update):
    def wrapped(state, batch, frozen, rng):
      new_state, metrics = update(state, batch, frozen, rng)
      return new_state, metrics | {'number': state.step.astype(jnp.float32)}

    return wrapped

  job = make_job(wrap=step_number, steps=5)
  loop.train(job, mesh)
  assert [(r['step'], r['number']) for r in toy.rows(job)] == [(2, 0.5), (4, 2.5), (5, 4.0)]


def test_a_nan_stops_the_run_names_its_step_and_keeps_the_last_good_checkpoint(make_job, mesh):
  def poison(update):
    def wrapped(state, batch, frozen, rng):
      new_state, metrics = update(state, batch, frozen, rng)
      bad = jnp.where(state.step == 3, jnp.nan, 1.0)
      metrics['loss/toy'] *= bad
      return new_state, metrics

    return wrapped

  job = make_job(wrap=poison, steps=8)
  with pytest.raises(FloatingPointError, match=r'step 3; the last good checkpoint is step 2'):
    loop.train(job, mesh)
  with checkpoint.Checkpoints(job.folder / 'checkpoints') as checkpoints:
    assert checkpoints.latest_step() == 2


def test_an_infinite_parameter_is_never_saved(make_job, mesh):
  def poison(update):
    def wrapped(state, batch, frozen, rng):
      new_state, metrics = update(state, batch, frozen, rng)
      bad = jnp.where(state.step == 3, jnp.inf, 0.0)
      variables = jax.tree.map(lambda x: x + bad, new_state.variables)
      return new_state.replace(variables=variables), metrics

    return wrapped

  def evaluate(state, replica):
    assert int(state.step) == 2, 'evaluated a state that is not finite'
    return {}, 0.0

  job = make_job(wrap=poison, evaluate=evaluate, steps=4)
  with pytest.raises(FloatingPointError, match='state became NaN or infinite'):
    loop.train(job, mesh)
  with checkpoint.Checkpoints(job.folder / 'checkpoints') as checkpoints:
    assert checkpoints.latest_step() == 2


def test_without_resume_an_existing_run_is_refused_and_left_alone(make_job, mesh):
  job = make_job(steps=2)
  loop.train(job, mesh)
  before = (job.folder / 'metrics.jsonl').read_bytes()
  with pytest.raises(UserError, match='resume=False'):
    loop.train(make_job(steps=4, resume=False), mesh)
  assert (job.folder / 'metrics.jsonl').read_bytes() == before


def test_the_best_checkpoint_is_kept_beside_the_last(make_job, mesh):
  scores = iter([0.0, 5.0, 1.0, 2.0, 3.0])
  job = make_job(evaluate=lambda state, replica: ({}, next(scores)), steps=10, keep=2)
  loop.train(job, mesh)
  with checkpoint.Checkpoints(job.folder / 'checkpoints') as checkpoints:
    assert checkpoints.steps('best') == [4, 10, 8]
    assert checkpoints.steps('latest') == [10, 8, 4]
    assert checkpoints.steps('4') == [4]
    with pytest.raises(UserError, match=r"'6'.*latest, best or one of \[4, 8, 10\]"):
      checkpoints.steps('6')


def test_evaluation_changes_nothing(make_job, mesh, assert_trees_equal):
  expected = toy.trained(make_job('often', steps=6), mesh)
  state = toy.trained(make_job('seldom', steps=6, evaluate_every=100), mesh)
  assert_trees_equal(state, expected)


def test_epochs_give_the_length_in_steps(tiny_config):
  tiny_config = changed(tiny_config, {'train.steps': None, 'train.epochs': 3})
  data = training_data.TrainingData(None, (np.arange(50), np.arange(76)), ('a', 'b'), ())
  assert total_steps(tiny_config, data) == 27


@pytest.mark.parametrize('batch_size', [8, 16])
def test_evaluations_after_each_epoch_follow_the_batch_size(make_job, mesh, batch_size):
  """50 images make 6 batches of 8 or 3 of 16; evaluations also log a row."""
  job = make_job(steps=13, evaluate_every=None, log_every=100, batch_size=batch_size)
  loop.train(job, mesh)
  expected = {8: [6, 12, 13], 16: [3, 6, 9, 12, 13]}[batch_size]
  assert [row['step'] for row in toy.rows(job) if 'evaluation/value' in row] == expected


def test_algorithm_is_a_tuple_of_functions():
  assert Algorithm(init=len, update=len).generate is None


@pytest.mark.slow
def test_a_profile_covers_compiled_steps_and_changes_nothing(make_job, mesh, assert_trees_equal):
  expected, job = toy.trained(make_job('plain', steps=6), mesh), make_job('profiled', steps=6)
  loop.train(job, mesh, profile=True)
  assert_trees_equal(toy.trained(job, mesh), expected)
  assert toy.rows(job) == toy.rows(make_job('plain'))
  (trace,) = (job.folder / 'profile').rglob('*.xplane.pb')
  assert b'one_step' in trace.read_bytes()


def test_a_run_traces_its_step_once(make_job, mesh):
  traces = []

  def counted(update):
    return lambda *arguments: traces.append(1) or update(*arguments)

  loop.train(make_job(wrap=counted), mesh)
  assert len(traces) == 1
