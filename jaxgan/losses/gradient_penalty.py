"""Zero-centred gradient penalties, which flatten the discriminator at real and generated images."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def zero_centred_gradient_penalty(
  critic: Callable[[jax.Array], jax.Array], images: jax.Array
) -> jax.Array:
  """Mean squared norm of the logits' gradients at the images, E ‖∇_x D(x)‖².

  R1 for real images, R2 for generated images, both without their factor γ / 2. See "The GAN is
  dead; long live the GAN! A Modern GAN Baseline", Huang et al. 2024, §2.2, after Mescheder et al.
  2018.

  Args:
    critic: `critic(images) -> logits [N]`; a logit may depend on its own image only. With batch
      norm, which couples images, the gradients would be sums over all logits.
    images: `[N, H, W, C]`, real or generated.

  Returns:
    Scalar.

  Example:
    >>> critic = lambda images: 2.0 * images.sum(axis=(1, 2, 3))
    >>> float(zero_centred_gradient_penalty(critic, jnp.ones((3, 2, 2, 1))))
    16.0
  """
  gradients = jax.grad(lambda images: critic(images).sum())(images)
  return jnp.mean(jnp.sum(gradients**2, axis=(1, 2, 3)))


def cosine_weight(
  step: int | jax.Array,
  start: float | jax.Array,
  end: float | jax.Array,
  num_steps: int | jax.Array,
) -> jax.Array:
  """Weight that moves from `start` to `end` along half a cosine, then stays at `end`.

  w_t = end + (start - end) (1 + cos(π min(t / T, 1))) / 2, the schedule of γ in the released code
  of Huang et al. 2024, whose γ ends at a tenth of its initial value.

  Args:
    step: t, from 0; may be traced.
    start: w_0.
    end: w_T.
    num_steps: T.

  Returns:
    Scalar.

  Example:
    >>> [round(float(cosine_weight(t, 1.0, 0.1, 100)), 3) for t in (0, 50, 200)]
    [1.0, 0.55, 0.1]
  """
  progress = jnp.minimum(step / num_steps, 1.0)
  return end + (start - end) * 0.5 * (1.0 + jnp.cos(jnp.pi * progress))
