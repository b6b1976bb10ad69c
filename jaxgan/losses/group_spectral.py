"""Group spectral regularisation of class-conditional batch norm.

See "Improving GANs for Long-Tailed Data through Group Spectral Regularization", Rangwani et al.
2022: where a tail class collapses, the spectral norms of its gains and biases have exploded.
"""

import math

import jax.numpy as jnp


def group_shape(num_channels: int) -> tuple[int, int]:
  """Rows and columns (n_g, n_c) of the matrix of a class, the nearest to a square: n_g <= n_c."""
  rows = next(n for n in range(math.isqrt(num_channels), 0, -1) if num_channels % n == 0)
  return rows, num_channels // rows


def group_spectral_norms(embeddings):
  """The spectral norm of each class's vector as a matrix of groups, σ_max(γ_k as [n_g, n_c]).

  By the singular values themselves: matrices are at most 16x32 for 512 channels, and their largest
  one needs no state, holds from the first step on and has a gradient (0 at a matrix of zeros) where
  power iteration would have to find a direction first.

  Args:
    embeddings: `[K, C]`, gains γ (what is added to 1) or biases β of conditional batch norm.

  Returns:
    `[K]`.

  Example:
    >>> norms = group_spectral_norms(jnp.array([[3.0, 0.0, 0.0, 4.0]]))  # One class, 2 x 2.
    >>> [round(norm, 3) for norm in norms.tolist()]
    [4.0]
  """
  matrices = embeddings.reshape(len(embeddings), *group_shape(embeddings.shape[-1]))
  return jnp.linalg.svd(matrices, compute_uv=False)[:, 0]


def group_spectral(embeddings, class_weights):
  """Group spectral regulariser (gSR), mean over layers l and classes k of w_k (σ²(Γ) + σ²(B)).

  Args:
    embeddings: of each layer its gains `[K, C]` and its biases `[K, C]`, in one list.
    class_weights: `[K]`, w.

  Returns:
    Scalar: the sum over classes and layers of the paper, divided by their number as in its code.
  """
  norms = jnp.stack([group_spectral_norms(embedding) for embedding in embeddings])
  return jnp.mean(2.0 * class_weights * norms**2)
