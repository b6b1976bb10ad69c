"""Group spectral regularisation of class-conditional batch norm.

See `Improving GANs for Long-Tailed Data through Group Spectral Regularization
<https://arxiv.org/abs/2208.09932>`_, Rangwani et al. 2022: where a tail class collapses, the
spectral norms of its gains and biases have exploded.
"""

from collections.abc import Sequence
import math

import jax
import jax.numpy as jnp


def group_shape(num_channels: int) -> tuple[int, int]:
  """Rows and columns n_g <= n_c of a class's matrix, as close to a square as possible."""
  rows = next(n for n in range(math.isqrt(num_channels), 0, -1) if num_channels % n == 0)
  return rows, num_channels // rows


def group_spectral_norms(embeddings: jax.Array) -> jax.Array:
  """Spectral norm of each class's vector as a matrix of groups, σ_max(γ_k as [n_g, n_c]).

  Computed by singular values instead of power iteration. The matrices are small (16x32 for 512
  channels), and singular values need no state, are exact from the first step on and have a gradient
  everywhere (0 at a matrix of zeros).

  Args:
    embeddings: `[K, C]`, gains γ (which are added to 1) or biases β of conditional batch norm.

  Returns:
    `[K]`.

  Example:
    >>> norms = group_spectral_norms(jnp.array([[3.0, 0.0, 0.0, 4.0]]))  # One class, 2 x 2.
    >>> [round(norm, 3) for norm in norms.tolist()]
    [4.0]
  """
  matrices = embeddings.reshape(len(embeddings), *group_shape(embeddings.shape[-1]))
  return jnp.linalg.svd(matrices, compute_uv=False)[:, 0]


def group_spectral(embeddings: Sequence[jax.Array], class_weights: jax.Array) -> jax.Array:
  """Group spectral regulariser (gSR), mean over layers l and classes k of w_k (σ²(Γ) + σ²(B)).

  Args:
    embeddings: gains `[K, C]` and biases `[K, C]` of every layer, in one list.
    class_weights: `[K]`, w.

  Returns:
    Scalar: the paper's sum over classes and layers, divided by their number as in its code.
  """
  norms = jnp.stack([group_spectral_norms(embedding) for embedding in embeddings])
  return jnp.mean(2.0 * class_weights * norms**2)
