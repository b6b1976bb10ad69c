"""Steps of JointVAE, alone and as replicas, and its networks."""

import functools
import math

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import Batch
from jaxgan.algorithms import joint_vae as module
from jaxgan.config.overrides import changed
from jaxgan.networks import infogans
from tests.support.registered import put
from tests.support.small_infogan import check_generation

SHAPE = (8, 8, 1)

K, D = 3, 2

BETA = 10.0  # Default β of both latents.


def section():
  return module.JointVaeConfig(
    latent_dim=D,
    beta_continuous=BETA,
    beta_discrete=BETA,
    continuous_capacity=0.0,
    discrete_capacity=0.0,
    capacity_steps=4,
    epsilon=1e-2,  # A small ε would let Adam amplify rounding errors.
  )


@functools.cache
def build():
  """(algorithm, update, initial state); all tests share a program with β and C as arguments."""
  config = section()

  def update(state, batch, rng, values):
    traced = config.model_copy(update=values)
    return module.joint_vae(traced, SHAPE, K).update(state, batch, {}, rng)

  algorithm = module.joint_vae(config, SHAPE, K)
  return algorithm, jax.jit(update), algorithm.init(jax.random.key(0))


def both(beta=BETA, capacity=0.0, **changes):
  """The same β and C for both latents, except for the changes."""
  values = {'beta_continuous': beta, 'beta_discrete': beta}
  values |= {'continuous_capacity': capacity, 'discrete_capacity': capacity} | changes
  return {name: jnp.float32(value) for name, value in values.items()}


def batch(seed=0, label=0, n=8):
  images = jax.random.uniform(jax.random.key(seed), (n, *SHAPE), minval=-1.0)
  return Batch(images, jnp.full(n, label))


def run(steps=1, values=None):
  _, update, state = build()
  states, metrics = [state], []
  for t in range(steps):
    rng = jax.random.fold_in(jax.random.key(1), t)
    state, of_step = update(state, batch(t), rng, values or both())
    states.append(state)
    metrics.append(of_step)
  return states, metrics


def test_update_trains_encoder_and_decoder():
  states, metrics = run(2)
  for part in ('encoder', 'decoder'):
    before, after = getattr(states[0], part), getattr(states[-1], part)
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), before, after)
    assert all(jax.tree.leaves(moved['batch_stats']))
    still = [
      jax.tree_util.keystr(path)
      for path, changed in jax.tree_util.tree_leaves_with_path(moved['params'])
      if not changed
    ]
    assert all('bias' in name for name in still), still  # Biases before a batch norm.
  assert int(states[-1].step) == 2
  names = {'loss/reconstruction', 'loss/kl_continuous', 'loss/kl_categorical'}
  assert metrics[-1].keys() == names
  assert all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves((states, metrics)))
  # The decoder starts from intensities near 1/2.
  np.testing.assert_allclose(metrics[0]['loss/reconstruction'], 64 * math.log(2), rtol=0.05)


def test_labels_are_not_read(assert_trees_equal):
  _, update, state = build()
  rng = jax.random.key(1)
  assert_trees_equal(*(update(state, batch(label=label), rng, both()) for label in (0, 2)))


def test_generate_depends_on_key_and_codes_alone(assert_trees_equal):
  check_generation(build()[0], run(2)[0][-1], assert_trees_equal)


def test_classify_is_the_encoder_in_inference_mode():
  algorithm, _, _ = build()
  state = run(2)[0][-1]
  images = batch(9).images
  logits, mean = algorithm.classify(state.variables, images)
  assert logits.shape == (8, K)
  assert mean.shape == (8, D)
  for whole, alone in zip(
    (logits, mean), algorithm.classify(state.variables, images[:3]), strict=True
  ):
    np.testing.assert_allclose(whole[:3], alone, rtol=1e-4, atol=1e-5)


def test_replicas_under_vmap_are_single_runs():
  algorithm, update, _ = build()
  states = [algorithm.init(jax.random.key(seed)) for seed in (0, 1)]
  batches = [batch(seed) for seed in (0, 1)]
  rngs = jax.random.split(jax.random.key(2), 2)
  singles = [update(*args, both()) for args in zip(states, batches, rngs, strict=True)]

  def stack(trees):
    return jax.tree.map(lambda *x: jnp.stack(x), *trees)

  together = jax.jit(jax.vmap(algorithm.update))(stack(states), stack(batches), {}, rngs)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5), together, stack(singles)
  )


def _divergences(state):
  """Divergences of the (means, categories) of the first images."""
  algorithm, _, _ = build()
  logits, mean = algorithm.classify(state.variables, batch(0).images)
  return float(jnp.square(mean).sum()), float(module.categorical_divergence(logits))


def test_a_large_weight_removes_the_information_of_its_latents():
  """Each β multiplies its divergence: a large β returns the encoder to that prior."""
  light, continuous, discrete = (
    _divergences(run(1, both(0.0, **heavy))[0][1])
    for heavy in ({}, {'beta_continuous': 1e4}, {'beta_discrete': 1e4})
  )
  assert continuous[0] < light[0]
  assert continuous[0] < discrete[0]
  assert discrete[1] < light[1]
  assert discrete[1] < continuous[1]


def test_divergences_are_held_to_their_growing_targets():
  """Each C starts at 0 and has no effect; a C above its divergence makes the divergence grow."""
  (_, first), (_, same) = run(), run(values=both(capacity=3.0))
  assert first == same
  names = {'continuous_capacity': 'loss/kl_continuous', 'discrete_capacity': 'loss/kl_categorical'}
  free = run(12, both(50.0))[1]
  for capacity, name in names.items():
    assert free[-1][name] < free[0][name]
    held = run(12, both(50.0, **{capacity: 3.0}))[1]
    for other in names.values():
      assert (free[0][other] < held[-1][other]) == (other == name)


def test_a_decoder_in_two_stages_reconstructs_with_both_and_generates_with_the_last(monkeypatch):
  """Both images of this decoder are constant, with logits 0 and 2."""

  class Decoder(nn.Module):
    @nn.compact
    def __call__(self, latents, train):
      shape = latents.shape[0], 64
      first = nn.BatchNorm(not train, use_bias=False, use_scale=False)(jnp.zeros(shape))
      images = (first + self.param('shift', nn.initializers.zeros, ())).reshape(-1, *SHAPE)
      return images, images + 2.0

  mnist = infogans.NETWORKS['mnist']
  two = mnist._replace(generator=lambda *_: Decoder(), num_stages=2)
  put(monkeypatch, infogans.NETWORKS, {'mnist': two})
  algorithm = module.joint_vae(section(), SHAPE, K)
  state = algorithm.init(jax.random.key(0))
  images = batch().images
  _, metrics = jax.jit(algorithm.update)(state, Batch(images), {}, jax.random.key(1))
  expected = sum(module.reconstruction_loss(jnp.full_like(images, x), images) for x in (0.0, 2.0))
  np.testing.assert_allclose(metrics['loss/reconstruction'], expected, rtol=1e-5)
  made = algorithm.generate(state, jax.random.key(2), 3)
  np.testing.assert_allclose(made, np.full((3, *SHAPE), math.tanh(1.0)), rtol=1e-5)


def test_networks_of_64x64_images():
  config = section()
  config = changed(config, {'network': 'stackgan_two_stage', 'width': 2})
  algorithm = module.joint_vae(config, (64, 64, 3), K)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  images = jnp.zeros((4, 64, 64, 3))
  state, _ = jax.eval_shape(algorithm.update, state, Batch(images), {}, jax.random.key(1))
  made = jax.eval_shape(lambda state: algorithm.generate(state, jax.random.key(2), 5), state)
  logits, mean = jax.eval_shape(algorithm.classify, state.variables, images)
  assert (made.shape, logits.shape, mean.shape) == ((5, 64, 64, 3), (4, K), (4, D))
