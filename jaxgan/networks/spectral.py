"""Spectral norm of a network's layers."""

from flax import linen as nn


def normaliser(active: bool, train: bool):
  """Makes `normalised(layer, x)`, which applies a layer with its kernel divided by σ, or as it is.

  See "Spectral Normalization for Generative Adversarial Networks", Miyato et al. 2018, Algorithm 1:
  σ = v W uᵀ of the kernel `[..., out]` as a matrix W `[-1, out]`. Each call makes one power
  iteration from the u that `batch_stats` holds, v = u Wᵀ / |u Wᵀ| and u = v W / |v W|; with
  `train` the new u is stored. σ is thus always that of the kernel at hand: of averaged kernels
  that come with an averaged u, too. ε = 1e-12 is added to the squared norms, which is the released
  code's 1e-6 of a norm. PyTorch's layers differ from this in inference mode, where they
  read both vectors as stored, and in transposed convolutions, whose matrix is `[-1, in]` here (that
  of the convolution they are the adjoint of), `[-1, out]` there.

  Args:
    active: whether layers are normalised; if not, `batch_stats` has no entry.
    train: whether the calls store u.
  """
  if not active:
    return lambda layer, x: layer(x)
  return lambda layer, x: nn.SpectralNorm(layer, epsilon=1e-12)(x, update_stats=train)
