"""The classification accuracy score: its value, its resume, and changed images."""

import hashlib
import os
import signal

import jax
import numpy as np
import pytest

from jaxgan.config import identity
from jaxgan.config.overrides import changed
from jaxgan.data import loading
from jaxgan.evaluation import cas
from jaxgan.runs import sampling
from jaxgan.training import replicas


@pytest.fixture
def real(tiny_config, stand_in_data):
  del stand_in_data
  return loading.load(tiny_config.data, 'train')


@pytest.fixture
def make_job(tiny_config, real, tmp_path):
  """Builds the job on images of a perfect generator, with given labels or the true ones."""
  tiny_config = changed(tiny_config, {'cas.algorithm.warmup_epochs': 0, 'cas.data.crop_padding': 0})

  def make(folder='run', relabel=lambda labels: labels, step=2, updates=4, seed=0, images=None):
    config = changed(
      tiny_config,
      {'cas.train.steps': updates, 'cas.train.evaluate_every': 4, 'cas.train.checkpoint_every': 4},
    )

    def sample(rng, num_images):
      at = np.asarray(jax.random.randint(rng, (num_images,), 0, len(real.labels)))
      return real.images[at], relabel(real.labels[at])

    generated = _generated(sample, real, images, seed)
    return cas.job(config, generated, step, seed, tmp_path / folder)

  return make


def _generated(sample, real, num_images, seed):
  num_images = len(real.labels) if num_images is None else num_images
  drawn = sampling.draw(sample, real.class_names, num_images, False, seed, batch_size=8)
  return cas.generated(real, *drawn)


def _steps(job):
  """Returns the first and the last logged step."""
  lines = (job.folder / 'metrics.jsonl').read_text().splitlines()
  return [int(line.split('"step": ')[1].split(',')[0]) for line in (lines[0], lines[-1])]


def test_generated_images_are_as_many_as_real_ones_and_always_the_same(make_job, real):
  first, again, other = (make_job(seed=seed).data.arrays for seed in (0, 0, 1))
  assert first.images.shape == real.images.shape
  assert first.labels.dtype == real.labels.dtype
  assert first.key == again.key != other.key
  assert first.key.startswith('generated/')
  np.testing.assert_array_equal(first.images, again.images)


def test_the_number_of_images_follows_the_field(make_job, real):
  """The key covers all images and labels."""
  few, many = (make_job(images=number).data.arrays for number in (30, 150))
  assert (len(few.images), len(many.images)) == (30, 150)
  assert (len(few.labels), len(many.labels)) == (30, 150)
  assert few.labels.dtype == np.int32
  np.testing.assert_array_equal(few.images, many.images[:30])
  expected = hashlib.sha256(many.images.tobytes() + many.labels.tobytes()).hexdigest()
  assert many.key == f'generated/{expected[:16]}'


def test_epochs_are_of_the_generated_images(tiny_config, make_job, tmp_path):
  lengths = []
  for images in (30, 150):
    generated = make_job(images=images).data.arrays
    tiny_config = changed(tiny_config, {'cas.train.steps': None, 'cas.train.epochs': 2})
    lengths.append(cas.job(tiny_config, generated, 2, 0, tmp_path).config.updates)
  assert lengths == [2 * (30 // 8), 2 * (150 // 8)]


def test_perfect_images_score_high_and_shuffled_labels_at_chance(make_job, mesh):
  def shuffle(labels):
    return np.random.default_rng(labels.sum()).integers(0, 3, len(labels))

  def accuracy(*changes):
    job = make_job(*changes, updates=40)
    once = {'train.evaluate_every': 40, 'train.checkpoint_every': 40}
    return cas.train(job._replace(config=changed(job.config, once)), mesh)

  assert accuracy('perfect') > 0.9
  assert accuracy('shuffled', shuffle) < 0.6


def test_a_stopped_score_continues_and_a_finished_one_is_only_read(make_job, mesh, monkeypatch):
  expected = cas.train(make_job('whole', updates=6), mesh)

  def interrupt(state, replica):
    del replica
    if int(state.step) == 4:
      os.kill(os.getpid(), signal.SIGTERM)
    return {}, 0.0

  with pytest.raises(KeyboardInterrupt):
    cas.train(make_job('stopped', updates=6)._replace(evaluate=interrupt), mesh)
  started = []
  initialise = replicas.Sequential.initialise
  monkeypatch.setattr(
    replicas.Sequential, 'initialise', lambda self: started.append(initialise(self))
  )
  assert cas.train(make_job('stopped', updates=6), mesh) == expected
  monkeypatch.setattr(replicas, 'compile_run', lambda *_: pytest.fail('trained again'))
  assert cas.train(make_job('stopped', updates=6), mesh) == expected
  assert started == []


def test_another_score_replaces_the_one_that_is_there(make_job, mesh):
  changes = [{}, {'step': 4}, {'relabel': lambda labels: (labels + 1) % 3}, {'updates': 2}]
  stale = []
  for change in changes:
    job = make_job(**change)
    assert bool(identity.changes(job.folder, job.config)) == bool(stale)
    cas.train(job, mesh)
    assert identity.changes(job.folder, job.config) == []
    assert not any(path.exists() for path in stale)
    assert _steps(job) == [2, job.config.updates]
    stale.append(job.folder / f'{len(stale)}')
    stale[-1].touch()
