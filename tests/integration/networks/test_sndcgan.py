"""SNDCGAN: sizes of Tables 6 and 7, spectral norm, initial values, train and inference mode."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import sndcgan


def _num_parameters(variables):
  return sum(leaf.size for leaf in jax.tree.leaves(variables['params']))


@functools.cache
def _generator(image_size=16, channels=1, width=4, **options):
  network = sndcgan.Generator(image_size, channels, width, **options)
  noise = jax.random.normal(jax.random.key(1), (6, 10))
  return network, network.init(jax.random.key(0), noise, train=False), noise


@functools.cache
def _discriminator(image_size=16, channels=1, width=4, **options):
  network = sndcgan.Discriminator(width, **options)
  images = jax.random.uniform(jax.random.key(1), (6, image_size, image_size, channels), minval=-1)
  return network, network.init(jax.random.key(0), images, train=False), images


def _perturbed(variables):
  """Kernels with distinct singular values, as orthogonal kernels converge at once."""
  leaves, structure = jax.tree.flatten(variables['params'])
  rngs = jax.random.split(jax.random.key(7), len(leaves))
  leaves = [
    leaf + 0.3 * jax.random.normal(rng, leaf.shape) for leaf, rng in zip(leaves, rngs, strict=True)
  ]
  return {**variables, 'params': jax.tree.unflatten(structure, leaves)}


# -------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(('size', 'stages'), [(8, 1), (16, 2), (28, 2), (32, 3), (48, 3), (64, 4)])
def test_num_stages(size, stages):
  assert sndcgan.num_stages(size) == stages


@pytest.mark.parametrize('size', [0, 4, 5, 11, 18, 30])
def test_num_stages_of_other_sizes_raises(size):
  with pytest.raises(ValueError, match=r'data\.options\.image_size'):
    sndcgan.num_stages(size)


@pytest.mark.parametrize('size', [16, 28, 64])
@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('train', [True, False])
def test_shapes(size, channels, train):
  generator, discriminator = sndcgan.Generator(size, channels, 2), sndcgan.Discriminator(2)

  def both(noise):
    rng = jax.random.key(0)
    images, _ = generator.init_with_output(rng, noise, train=train)
    (logits, class_logits), _ = discriminator.init_with_output(rng, images, train=train)
    assert class_logits is None
    return images, logits

  images, logits = jax.eval_shape(both, jnp.zeros((6, 10)))
  assert images.shape == (6, size, size, channels)
  assert logits.shape == (6,)
  assert images.dtype == logits.dtype == jnp.float32


def test_parameters_of_table_6():
  network = sndcgan.Generator(32, 3, 64)
  variables = jax.eval_shape(
    lambda: network.init(jax.random.key(0), jnp.zeros((2, 128)), train=False)
  )
  shapes = jax.tree.map(lambda x: x.shape, variables['params'])
  assert shapes['Dense_0']['kernel'] == (128, 4 * 4 * 512)
  # Kernels of transposed convolutions are [k, k, out, in].
  assert shapes['ConvTranspose_0']['kernel'] == (4, 4, 256, 512)
  assert shapes['ConvTranspose_1']['kernel'] == (4, 4, 128, 256)
  assert shapes['ConvTranspose_2']['kernel'] == (4, 4, 64, 128)
  assert shapes['Conv_0']['kernel'] == (3, 3, 64, 3)
  by_hand = (
    (128 * 8192 + 8192)
    + (16 * 512 * 256 + 256 + 2 * 256)
    + (16 * 256 * 128 + 128 + 2 * 128)
    + (16 * 128 * 64 + 64 + 2 * 64)
    + (9 * 64 * 3 + 3)
  )
  assert _num_parameters(variables) == by_hand == 3_812_355


def test_parameters_of_table_7():
  network = sndcgan.Discriminator(64)
  variables = jax.eval_shape(
    lambda: network.init(jax.random.key(0), jnp.zeros((2, 32, 32, 3)), train=False)
  )
  kernels = [variables['params'][f'Conv_{i}']['kernel'].shape for i in range(7)]
  assert kernels == [
    (3, 3, 3, 64),
    (4, 4, 64, 64),
    (3, 3, 64, 128),
    (4, 4, 128, 128),
    (3, 3, 128, 256),
    (4, 4, 256, 256),
    (3, 3, 256, 512),
  ]
  by_hand = (
    (9 * 3 * 64 + 64)
    + (16 * 64 * 64 + 64)
    + (9 * 64 * 128 + 128)
    + (16 * 128 * 128 + 128)
    + (9 * 128 * 256 + 256)
    + (16 * 256 * 256 + 256)
    + (9 * 256 * 512 + 512)
    + (512 + 1)
  )
  assert _num_parameters(variables) == by_hand == 2_928_193


@pytest.mark.parametrize(('size', 'stages', 'widest'), [(16, 2, 4 * 4), (64, 4, 16 * 4)])
def test_widths_of_other_sizes_double_towards_4x4(size, stages, widest):
  def params_of(network, inputs):
    rng = jax.random.key(0)
    return jax.eval_shape(lambda: network.init(rng, inputs, train=False))['params']

  generator = params_of(sndcgan.Generator(size, 3, 4), jnp.zeros((2, 10)))
  discriminator = params_of(sndcgan.Discriminator(4), jnp.zeros((2, size, size, 3)))
  assert generator['ConvTranspose_0']['kernel'].shape[-1] == widest
  assert generator['Conv_0']['kernel'].shape[-2] == 4
  assert discriminator['Conv_0']['kernel'].shape[-1] == 4
  assert discriminator[f'Conv_{2 * stages}']['kernel'].shape[-1] == widest


# -------------------------------------------------------------------------------- initial values


def test_kernels_start_orthogonal_and_biases_at_zero():
  for _, variables, _ in (_generator(), _discriminator()):
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables['params']):
      name = jax.tree_util.keystr(path)
      if 'kernel' in name:
        matrix = np.asarray(leaf).reshape(-1, leaf.shape[-1])
        np.testing.assert_allclose(
          np.linalg.svd(matrix, compute_uv=False), 1.0, atol=1e-5, err_msg=name
        )
      else:
        expected = 1.0 if 'scale' in name else 0.0
        np.testing.assert_array_equal(leaf, expected, err_msg=name)


# -------------------------------------------------------------------------------- spectral norm


def _normalised_kernels(variables):
  """Kernels `[-1, out]` divided by the stored singular values, by layer."""
  kernels = {}
  for stats in variables['batch_stats'].values():
    (layer,) = {name.split('/')[0] for name in stats}
    kernel = np.asarray(variables['params'][layer]['kernel'])
    kernels[layer] = kernel.reshape(-1, kernel.shape[-1]) / stats[f'{layer}/kernel/sigma']
  return kernels


def test_spectral_norm_of_every_layer_becomes_one():
  network, variables, images = _discriminator()
  variables = _perturbed(variables)
  before = {
    name: np.linalg.svd(kernel, compute_uv=False)[0]
    for name, kernel in _normalised_kernels(variables).items()
  }
  assert set(before) == set(variables['params'])
  assert min(before.values()) > 1.1

  @jax.jit
  def call(variables):
    _, updated = network.apply(variables, images, train=True, mutable=['batch_stats'])
    return {**variables, **updated}

  for _ in range(300):
    variables = call(variables)
  for name, kernel in _normalised_kernels(variables).items():
    largest = np.linalg.svd(kernel, compute_uv=False)[0]
    np.testing.assert_allclose(largest, 1.0, atol=1e-3, err_msg=name)


def test_discriminator_is_invariant_to_the_scale_of_its_kernels():
  network, variables, images = _discriminator()
  scaled = jax.tree.map(lambda x: 5.0 * x if x.ndim > 1 else x, variables['params'])
  np.testing.assert_allclose(
    network.apply(variables, images, train=False)[0],
    network.apply({**variables, 'params': scaled}, images, train=False)[0],
    rtol=1e-4,
  )


def test_discriminator_changes_state_in_train_mode_only():
  network, variables, images = _discriminator()
  variables = _perturbed(variables)
  (trained, _), updated = network.apply(variables, images, train=True, mutable=['batch_stats'])
  (fixed, _), same = network.apply(variables, images, train=False, mutable=['batch_stats'])
  # Both calls make the same power iteration; only one stores it.
  np.testing.assert_allclose(trained, fixed, rtol=1e-6)
  jax.tree.map(np.testing.assert_array_equal, same['batch_stats'], variables['batch_stats'])
  stats = jax.tree.leaves_with_path(updated['batch_stats'])
  old = jax.tree.leaves(variables['batch_stats'])
  for (path, a), b in zip(stats, old, strict=True):
    # The left singular vector of the dense layer is a single number, which stays constant.
    if a.shape != (1, 1):
      assert not np.allclose(a, b), path


# -------------------------------------------------------------------------------- batch norm


def test_generator_normalises_by_the_batch_in_train_mode():
  network, variables, noise = _generator()
  images, updated = network.apply(variables, noise, train=True, mutable=['batch_stats'])
  alone, _ = network.apply(variables, noise[:2], train=True, mutable=['batch_stats'])
  assert not np.allclose(images[:2], alone, atol=1e-3)
  # flax's momentum 0.9: running = 0.9 · running + 0.1 · batch, from mean 0 and variance 1.
  dense = noise @ variables['params']['Dense_0']['kernel']
  layer = sndcgan.ConvTranspose(8)
  first = layer.apply(
    {'params': variables['params']['ConvTranspose_0']}, dense.reshape(6, 4, 4, 16)
  )
  stats = updated['batch_stats']['BatchNorm_0']
  np.testing.assert_allclose(stats['mean'], 0.1 * first.mean((0, 1, 2)), atol=1e-5)
  np.testing.assert_allclose(stats['var'], 0.9 + 0.1 * first.var((0, 1, 2)), rtol=1e-4)


def test_generator_treats_images_independently_in_inference_mode():
  network, variables, noise = _generator()
  images, same = network.apply(variables, noise, train=False, mutable=['batch_stats'])
  np.testing.assert_allclose(
    images[:2], network.apply(variables, noise[:2], train=False), atol=1e-5
  )
  jax.tree.map(np.testing.assert_array_equal, same['batch_stats'], variables['batch_stats'])
  assert np.abs(images).max() <= 1.0


# -------------------------------------------------------------------------------- bfloat16


def test_bfloat16_keeps_parameters_and_outputs_in_float32():
  generator, variables, noise = _generator(dtype=jnp.bfloat16)
  images = generator.apply(variables, noise, train=False)
  exact = sndcgan.Generator(16, 1, 4).apply(variables, noise, train=False)
  discriminator, discriminator_variables, _ = _discriminator(dtype=jnp.bfloat16)
  logits, _ = discriminator.apply(discriminator_variables, exact, train=False)
  exact_logits, _ = sndcgan.Discriminator(4).apply(discriminator_variables, exact, train=False)
  leaves = jax.tree.leaves((variables, discriminator_variables, images, logits))
  assert {leaf.dtype for leaf in leaves} == {jnp.dtype('float32')}
  np.testing.assert_allclose(images, exact, atol=0.05)
  np.testing.assert_allclose(logits, exact_logits, atol=0.05 * np.abs(exact_logits).max())
