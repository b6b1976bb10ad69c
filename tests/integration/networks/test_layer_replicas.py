"""Convolutions of replicas and their gradients against convolutions of single runs."""

import jax
import jax.numpy as jnp
import pytest

from jaxgan.networks import layers
from tests.support.convolutions import (
  assert_close,
  conv_arrays,
  reference_conv,
  reference_transposed,
  values_and_gradients,
)


@pytest.mark.parametrize(('size', 'stride'), [(4, 2), (3, 1), (2, 2), (6, 2), (5, 3)])
@pytest.mark.parametrize('transposed', [False, True])
@pytest.mark.parametrize('axes', [(0, 0), (None, 0), (0, None)])
def test_replicas_equal_single_runs(size, stride, transposed, axes):
  """Values and gradients, mapped over inputs and kernels or over one of them."""
  inputs, kernels = conv_arrays(size, stride)
  function = layers.conv
  if transposed:
    function, kernels = layers.conv_transpose, jnp.swapaxes(kernels, 3, 4)
  inputs = inputs if axes[0] == 0 else inputs[0]
  kernels = kernels if axes[1] == 0 else kernels[0]
  run = values_and_gradients(function, stride)
  together = jax.jit(jax.vmap(run, axes))(inputs, kernels)
  for replica in range(3):
    x = inputs[replica] if axes[0] == 0 else inputs
    kernel = kernels[replica] if axes[1] == 0 else kernels
    assert_close([array[replica] for array in together], run(x, kernel))


@pytest.mark.parametrize('transposed', [False, True])
def test_reverse_over_reverse_of_replicas(transposed):
  inputs, kernels = conv_arrays(4, 2)
  function, reference = layers.conv, reference_conv
  if transposed:
    function, reference = layers.conv_transpose, reference_transposed
    kernels = jnp.swapaxes(kernels, 3, 4)

  def penalty(function, kernel, inputs):
    gradient = jax.grad(lambda x: jnp.sum(jnp.tanh(function(x, kernel, 2))))(inputs)
    return jnp.sum(gradient**2)

  of_kernel = jax.grad(penalty, argnums=1)
  together = jax.vmap(lambda k, x: of_kernel(function, k, x))(kernels, inputs)
  assert_close(
    together, [of_kernel(reference, *pair) for pair in zip(kernels, inputs, strict=True)], 1e-4
  )
