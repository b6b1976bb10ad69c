"""LeCam regularisation: predictions are held to what was predicted of the other kind of images.

See "Regularizing Generative Adversarial Networks under Limited Data", Tseng et al. 2021.
"""

import jax
import jax.numpy as jnp


def initial_averages():
  """The moving averages before the first batch; see `update_averages`."""
  return {name: jnp.zeros(()) for name in ('real', 'fake', 'weight')}


def update_averages(averages, real_logits, fake_logits, decay):
  """Counts a batch, a <- γ a + (1 - γ) v (Eq. 5), v the mean logit of its real or fake images.

  Averages start at 0, and `weight` follows v = 1: divided by it they are those of the batches seen,
  as in Adam and in the released code.

  Args:
    averages: {'real', 'fake', 'weight'}, scalars.
    real_logits: `[N]`; constants of back-propagation, as `fake_logits`.
    fake_logits: `[N]`.
    decay: γ in [0, 1).

  Returns:
    The new averages.
  """
  seen = {'real': real_logits.mean(), 'fake': fake_logits.mean(), 'weight': jnp.ones(())}
  new = {name: decay * averages[name] + (1.0 - decay) * seen[name] for name in seen}
  return jax.lax.stop_gradient(new)


def lecam(real_logits, fake_logits, averages):
  """LeCam regulariser, E (D(x) - α_F)² + E (D(G(z)) - α_R)² (Eq. 4).

  The released code takes D(x) - α_F and α_R - D(G(z)) only where they are positive.

  Args:
    real_logits: `[N]`.
    fake_logits: `[N]`.
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
