"""Adversarial losses of generator and discriminator.

Every loss takes the discriminator's logits for a batch of real and a batch of generated images and
returns the mean over the batch, to be minimised.
"""

import jax
import jax.numpy as jnp

from jaxgan.system.registry import Registry


def _paired(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
  if real_logits.shape != fake_logits.shape:
    # Broadcasting [N] against [N, 1] would silently pair every real with every fake image.
    raise ValueError(
      f'real_logits of shape {real_logits.shape} and fake_logits of shape {fake_logits.shape}: '
      'expected the same shape, for example (64,)'
    )
  return real_logits - fake_logits


def relativistic_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
  """Relativistic discriminator loss, -E log σ(D(x) - D(G(z))).

  See "Class Balancing GAN with a Classifier in the Loop", Eq. 2, after Jolicoeur-Martineau 2018.

  Args:
    real_logits: `[N]`, D on real images.
    fake_logits: `[N]`, D on generated images; pairs are formed within the batch.

  Returns:
    Scalar.

  Raises:
    ValueError: the logits have different shapes.

  Example:
    >>> loss = relativistic_discriminator(jnp.array([2.0, 1.0]), jnp.array([-1.0, 0.0]))
    >>> round(float(loss), 3)
    0.181
  """
  return jnp.mean(jax.nn.softplus(-_paired(real_logits, fake_logits)))


def relativistic_generator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
  """Relativistic generator loss, -E log σ(D(G(z)) - D(x)).

  See "Class Balancing GAN with a Classifier in the Loop", Eq. 3.

  Args:
    real_logits: `[N]`, D on real images.
    fake_logits: `[N]`, D on generated images; pairs are formed within the batch.

  Returns:
    Scalar.

  Raises:
    ValueError: the logits have different shapes.

  Example:
    >>> loss = relativistic_generator(jnp.array([2.0, 1.0]), jnp.array([-1.0, 0.0]))
    >>> round(float(loss), 3)
    2.181
  """
  return jnp.mean(jax.nn.softplus(_paired(real_logits, fake_logits)))


def hinge_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
  """Hinge discriminator loss, E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))).

  See `Spectral Normalization for Generative Adversarial Networks
  <https://arxiv.org/abs/1802.05957>`_, Miyato et al. 2018, Eq. 16.

  Args:
    real_logits: `[N]`, D on real images.
    fake_logits: `[N]`, D on generated images.

  Returns:
    Scalar.

  Example:
    >>> loss = hinge_discriminator(jnp.array([2.0, 0.5]), jnp.array([-2.0, 0.5]))
    >>> float(loss)
    1.0
  """
  return jnp.mean(jax.nn.relu(1.0 - real_logits)) + jnp.mean(jax.nn.relu(1.0 + fake_logits))


def hinge_generator(real_logits: jax.Array | None, fake_logits: jax.Array) -> jax.Array:
  """Hinge generator loss, -E D(G(z)); Eq. 17 of Miyato et al. 2018.

  Args:
    real_logits: not used; all generator losses take the same arguments.
    fake_logits: `[N]`, D on generated images.

  Returns:
    Scalar.

  Example:
    >>> float(hinge_generator(None, jnp.array([-2.0, 0.5])))
    0.75
  """
  return -jnp.mean(fake_logits)


def non_saturating_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
  """Binary cross-entropy of the discriminator, -E log σ(D(x)) - E log(1 - σ(D(G(z)))).

  See "Generative Adversarial Nets", Goodfellow et al. 2014, Eq. 1.

  Args:
    real_logits: `[N]`, D on real images.
    fake_logits: `[N]`, D on generated images.

  Returns:
    Scalar.

  Example:
    >>> loss = non_saturating_discriminator(jnp.array([2.0, 1.0]), jnp.array([-1.0, 0.0]))
    >>> round(float(loss), 3)
    0.723
  """
  return jnp.mean(jax.nn.softplus(-real_logits)) + jnp.mean(jax.nn.softplus(fake_logits))


def non_saturating_generator(real_logits: jax.Array | None, fake_logits: jax.Array) -> jax.Array:
  """Non-saturating generator loss, -E log σ(D(G(z))); §3 of Goodfellow et al. 2014.

  Args:
    real_logits: not used; all generator losses take the same arguments.
    fake_logits: `[N]`, D on generated images.

  Returns:
    Scalar.

  Example:
    >>> round(float(non_saturating_generator(None, jnp.array([-1.0, 0.0]))), 3)
    1.003
  """
  return jnp.mean(jax.nn.softplus(-fake_logits))


# Name -> (discriminator loss, generator loss).
LOSSES = Registry(
  'loss of GANs',
  {
    'relativistic': (relativistic_discriminator, relativistic_generator),
    'hinge': (hinge_discriminator, hinge_generator),
    'non_saturating': (non_saturating_discriminator, non_saturating_generator),
  },
)
