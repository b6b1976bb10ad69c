"""Losses of the auxiliary classifier: does an image show the class that it was generated for?

See "Conditional Image Synthesis with Auxiliary Classifier GANs", Odena et al. 2017, §4.
Discriminator and generator both maximise L_C = E log P(C = c | x) + E log P(C = y | G(z, y)) over
their own parameters; the losses here are the negatives, to be minimised.
"""

import jax
import jax.numpy as jnp
import optax


def auxiliary_discriminator(
  real_class_logits: jax.Array,
  real_labels: jax.Array,
  fake_class_logits: jax.Array,
  fake_labels: jax.Array,
) -> jax.Array:
  """Class loss of the discriminator, -E log p(c | x) - E log p(y | G(z, y)), p = softmax.

  Args:
    real_class_logits: `[N, K]`, the class head's logits for real images.
    real_labels: `[N]`, c: the classes of the real images.
    fake_class_logits: `[N, K]`, the class head's logits for generated images.
    fake_labels: `[N]`, y: the classes that the images were generated for.

  Returns:
    Scalar.

  Example:
    >>> logits, labels = jnp.array([[2.0, 0.0], [0.0, 2.0]]), jnp.array([0, 1])
    >>> loss = auxiliary_discriminator(logits, labels, logits, labels)
    >>> round(float(loss), 3)
    0.254
  """
  real = optax.softmax_cross_entropy_with_integer_labels(real_class_logits, real_labels)
  fake = optax.softmax_cross_entropy_with_integer_labels(fake_class_logits, fake_labels)
  return jnp.mean(real) + jnp.mean(fake)


def auxiliary_generator(fake_class_logits: jax.Array, fake_labels: jax.Array) -> jax.Array:
  """Class loss of the generator, -E log p(y | G(z, y)).

  p is the discriminator's class head or a frozen classifier (§6.6 of "Class Balancing GAN with a
  Classifier in the Loop").

  Args:
    fake_class_logits: `[N, K]`, p's logits for generated images.
    fake_labels: `[N]`, y: the classes that the images were generated for.

  Returns:
    Scalar.

  Example:
    >>> logits = jnp.array([[2.0, 0.0], [0.0, 2.0]])
    >>> round(float(auxiliary_generator(logits, jnp.array([0, 1]))), 3)
    0.127
  """
  return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(fake_class_logits, fake_labels))
