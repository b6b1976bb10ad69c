"""Options of InfoGAN's objective and state that are off by default."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms.infogan import infogan
from jaxgan.augmentation import augment
from tests.support.small_infogan import SHAPE, K, assert_close, batch, section


def _steps(config, state=None, steps=1):
  """(algorithm, all states, metrics of the last step)."""
  algorithm = infogan(config, SHAPE, K)
  update, states = jax.jit(algorithm.update), [state or algorithm.init(jax.random.key(0))]
  for t in range(steps):
    state, metrics = update(states[-1], batch(t), {}, jax.random.fold_in(jax.random.key(1), t))
    states.append(state)
  return algorithm, states, metrics


def test_cosine_of_equal_views_is_at_its_minimum():
  """Views equal to the images have cosine 1: -1 / τ' for each pair."""
  config = section(
    'gumbel_softmax_pos', positive_loss='cosine', contrastive_temperature=0.5,
    rotation_degrees=0.0, zoom_range=(1.0, 1.0),
  )  # fmt: skip
  _, _, metrics = _steps(config)
  np.testing.assert_allclose(metrics['loss/contrastive'], -2.0, rtol=1e-5)


def test_entropy_pushes_a_skewed_prior_towards_the_uniform_prior():
  """-w H(p) adds its gradient w p (log p + H) to the gradients of the other losses."""
  p, weight = np.array([0.5, 0.25, 0.25]), 3.0
  start = section('gumbel_softmax', prior_start=(2.0, 1.0, 1.0))
  state = infogan(start, SHAPE, K).init(jax.random.key(0))
  np.testing.assert_allclose(jax.nn.softmax(state.prior_logits), p, rtol=1e-6)

  found = {}
  for w in (0.0, weight):
    _, states, metrics = _steps(section('gumbel_softmax', prior_entropy_weight=w), state)
    found[w] = states[-1].joint_optimizer[0].mu['prior_logits'] / (1.0 - start.beta1)
    assert ('loss/prior_entropy' in metrics) == (w > 0)
  entropy = 1.5 * np.log(2.0)
  np.testing.assert_allclose(metrics['loss/prior_entropy'], -entropy, rtol=1e-6)
  expected = weight * p * (np.log(p) + entropy)
  assert expected[0] > 0 > expected[1]  # Descent makes the frequent code rarer.
  np.testing.assert_allclose(found[weight] - found[0.0], expected, rtol=1e-4, atol=1e-5)


def test_the_average_follows_the_generator_and_changes_no_training():
  method, decay = 'gumbel_softmax', 0.75
  plain_algorithm, plain, _ = _steps(section(method), steps=2)
  algorithm, states, _ = _steps(section(method, ema_decay=decay), steps=2)
  assert not hasattr(plain[0], 'ema')  # Checkpoints without an average keep their tree.
  assert_close(states[-1].generator, plain[-1].generator, rtol=1e-4, atol=1e-6)

  expected = states[0].generator  # parameters and running statistics
  assert expected.keys() == {'params', 'batch_stats'}
  for state in states[1:]:
    expected = jax.tree.map(lambda e, g: decay * e + (1 - decay) * g, expected, state.generator)
    assert_close(state.ema, expected, rtol=1e-5, atol=1e-6)

  last, rng, codes = states[-1], jax.random.key(5), jnp.eye(K)
  averaged = algorithm.generate(last, rng, K, codes=codes)
  raw = algorithm.generate(last, rng, K, ema=False, codes=codes)
  own = plain_algorithm.generate(last.replace(generator=last.ema), rng, K, codes=codes)
  np.testing.assert_allclose(averaged, own, atol=1e-6)
  assert float(jnp.abs(averaged - raw).max()) > 1e-4


@pytest.mark.parametrize(('crop_of', 'side'), [('side', 0.95), ('area', 0.9746794)])
def test_crops_keep_a_share_of_the_side_or_of_the_area(monkeypatch, crop_of, side):
  kept = []

  def view(rngs, images, max_degrees, zoom_range, keep, *rest):
    kept.append(keep)
    return images

  monkeypatch.setattr(augment, 'random_view', view)
  algorithm = infogan(section(views='paper', crop_keep=0.95, crop_of=crop_of), SHAPE, K)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  jax.eval_shape(algorithm.update, state, batch(), {}, jax.random.key(0))
  assert kept == pytest.approx([side] * len(kept), rel=1e-6)
  assert kept
