"""LeCam regularisation: real logits are held to the average fake logit, fake to the average real.

See `Regularizing Generative Adversarial Networks under Limited Data
<https://arxiv.org/abs/2104.03310>`_, Tseng et al. 2021.
"""

import jax
import jax.numpy as jnp


def initial_averages() -> dict[str, jax.Array]:
  """Moving averages before the first batch; see `update_averages`."""
  return {name: jnp.zeros(()) for name in ('real', 'fake', 'weight')}


def update_averages(
  averages: dict[str, jax.Array],
  real_logits: jax.Array,
  fake_logits: jax.Array,
  decay: float | jax.Array,
) -> dict[str, jax.Array]:
  """Moving averages after a batch, a <- γ a + (1 - γ) v, v its mean real or fake logit (Eq. 5).

  Averages start at 0, and `weight` is the average of v = 1. Division by it corrects the bias of
  the start, as in Adam and in the released code.

  Args:
    averages: {'real', 'fake', 'weight'}, scalars.
    real_logits: `[N]`, D on real images; no gradient passes through real or fake logits.
    fake_logits: `[N]`, D on generated images.
    decay: γ in [0, 1).

  Returns:
    The new averages.
  """
  seen = {'real': real_logits.mean(), 'fake': fake_logits.mean(), 'weight': jnp.ones(())}
  new = {name: decay * averages[name] + (1.0 - decay) * seen[name] for name in seen}
  return jax.lax.stop_gradient(new)


def lecam(
  real_logits: jax.Array, fake_logits: jax.Array, averages: dict[str, jax.Array]
) -> jax.Array:
  """LeCam regulariser, E (D(x) - α_F)² + E (D(G(z)) - α_R)² (Eq. 4).

  The released code counts D(x) - α_F and α_R - D(G(z)) only where they are positive.

  Args:
    real_logits: `[N]`, D on real images.
    fake_logits: `[N]`, D on generated images.
    averages: from `update_averages`; α_R and α_F are 'real' and 'fake' over 'weight'.

  Returns:
    Scalar.

  Example:
    >>> real, fake = jnp.array([1.0, 3.0]), jnp.array([-1.0])
    >>> averages = update_averages(initial_averages(), real, fake, decay=0.99)
    >>> round(float(lecam(real, fake, averages)), 3)
    19.0
  """
  real, fake = (averages[name] / averages['weight'] for name in ('real', 'fake'))
  return jnp.mean((real_logits - fake) ** 2) + jnp.mean((fake_logits - real) ** 2)
