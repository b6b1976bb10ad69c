"""JointVAE, the VAE baseline of Elastic-InfoGAN: a continuous and a categorical latent.

The negative evidence lower bound with a weight β and a growing target C on each divergence,

  -log p(x|z, c) + β_z |KL(q(z|x) ‖ N(0, I)) - C_z| + β_c |KL(q(c|x) ‖ Cat(1/k)) - C_c|,

each the mean over images of a sum over pixels or latents. C_z and C_c grow linearly from 0; C_c
stops at log k, the largest information of the category. z is reparameterised and c relaxed with
Gumbel-Softmax. See "Elastic-InfoGAN", Ojha et al. 2020, §4.4 of the supplement, and "Learning
Disentangled Joint Continuous and Discrete Representations", Dupont 2018, Eq. 7.

Ojha et al. report the best of β_z, β_c in {10, 20, 30, 40, 50} and do not say which it is; see
`experiments/joint_vae_sweep.py`. They mention no targets, and their code has no JointVAE, so the
targets are from Dupont's released models: MNIST up to C_z = 5 and C_c = min(5, log k) nats in
25,000 steps, chairs of 64x64 pixels up to 30 and min(5, log k) in 100,000. Dupont's γ (30 for
MNIST, 300 for chairs) is β here: his loss is also a sum over the pixels of grey images. For colour
images his code takes the mean over the channels, so his γ corresponds to 3 γ here. Ojha et al.
found poor reconstructions from β = 100 on. Without targets (C = 0) the category stays unused on
MNIST: after 300 steps its KL is 0.02 nats with β = 10 and 0.003 with β = 50; the KL of z is 1.19
and 0.05.

Both papers leave the rest open. The decoder is the GANs' generator and the encoder their trunk,
with the GANs' learning rate, so that the baseline has the same capacity. The likelihood is
Dupont's: binary cross-entropy of intensities in [0, 1], for a generator in several stages the
product over the images of all stages.

| equation                                          | function                 |
|---------------------------------------------------|--------------------------|
| -log p(x|z, c)                                    | `reconstruction_loss`    |
| KL(q(z|x) ‖ N(0, I))                              | `normal_divergence`      |
| KL(q(c|x) ‖ Cat(1/k))                             | `categorical_divergence` |
| C_z, C_c                                          | `capacities`             |
| z = μ + σ ε, c = softmax((log q + g) / τ)         | `latents`                |
| the bound with weights and targets                | `negative_bound`         |
"""

import functools
from typing import Annotated, Any, NamedTuple

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import (
  AdamConfig,
  Algorithm,
  Batch,
  adam,
  apply_gradients,
  apply_train,
  priors,
  total,
  with_statistics,
)
from jaxgan.config import spans
from jaxgan.config.section import (
  Count,
  NotNegative,
  OneOf,
  Positive,
  PositiveSteps,
  Several,
  field,
)  # fmt: skip
from jaxgan.networks import infogans
from jaxgan.system.parallel import along_batch


class JointVaeConfig(AdamConfig):
  """The `algorithm` section of JointVAE; the default suits MNIST."""

  network: Annotated[str, OneOf(infogans.NETWORKS)] = field('mnist', 'encoder and decoder')
  width: Count = field(64, 'channels of stackgan and stackgan_two_stage; mnist has a fixed width')
  num_categories: Several | None = field(
    None, 'k, number of codes; none: as many as there are classes'
  )
  latent_dim: Count = field(10, 'number of continuous latents')
  temperature: Positive = field(0.67, 'τ of Gumbel-Softmax')
  beta_continuous: NotNegative = field(30.0, 'β_z; the paper reports the best of 10 to 50')
  beta_discrete: NotNegative = field(30.0, 'β_c; the paper reports the best of 10 to 50')
  continuous_capacity: NotNegative = field(5.0, 'final C_z, in nats')
  discrete_capacity: NotNegative = field(5.0, 'final C_c, in nats; at most log k')
  capacity_steps: PositiveSteps = field(25_000, 'steps until the capacities are reached')


class JointVaeState(struct.PyTreeNode):
  """Everything that JointVAE training changes; `encoder` and `decoder` are Flax variables."""

  step: Any
  encoder: Any
  decoder: Any
  optimizer: Any

  @property
  def variables(self) -> Any:
    """The variables that `classify` reads: the encoder."""
    return self.encoder


def reconstruction_loss(logits: jax.Array, images: jax.Array) -> jax.Array:
  """Binary cross-entropy of intensities v = (x + 1) / 2, -E Σ v log σ(l) + (1 - v) log σ(-l).

  Args:
    logits: `[N, H, W, C]`, l: logits of the decoded intensities.
    images: `[N, H, W, C]` in [-1, 1].

  Returns:
    Scalar: the mean over images of the sum over pixels.
  """
  losses = optax.sigmoid_binary_cross_entropy(logits, 0.5 * (images + 1.0))
  return jnp.mean(jnp.sum(losses, axis=(1, 2, 3)))


def normal_divergence(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
  """Divergence KL(N(μ, σ²) ‖ N(0, I)) = 1/2 Σ_j (μ_j² + σ_j² - 1 - log σ_j²), in nats.

  Args:
    mean: `[N, D]`, μ.
    log_variance: `[N, D]`, log σ².

  Returns:
    Scalar: the mean over images.
  """
  terms = jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance
  return 0.5 * jnp.mean(jnp.sum(terms, axis=-1))


def categorical_divergence(logits: jax.Array) -> jax.Array:
  """Divergence KL(q ‖ Cat(1/k)) = log k + Σ_i q_i log q_i, in nats.

  Args:
    logits: `[N, k]`, the logits of q.

  Returns:
    Scalar: the mean over images.
  """
  log_probs = jax.nn.log_softmax(logits)
  negative_entropy = jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)
  return jnp.log(logits.shape[-1]) + jnp.mean(negative_entropy)


def capacities(
  config: JointVaeConfig, step: int | jax.Array, num_categories: int
) -> tuple[jax.Array, jax.Array]:
  """Targets (C_z, C_c) of the divergences in nats, Dupont 2018, Eq. 7.

  C_z = C_z,max min(t / T, 1) and C_c = min(C_c,max min(t / T, 1), log k), where T is
  `capacity_steps` and the final targets are `continuous_capacity` and `discrete_capacity`.

  Args:
    config: the `algorithm` section.
    step: t, updates so far.
    num_categories: k.

  Returns:
    (C_z, C_c), two scalars.
  """
  progress = jnp.minimum(step / config.capacity_steps, 1.0)
  discrete = jnp.minimum(config.discrete_capacity * progress, jnp.log(num_categories))
  return config.continuous_capacity * progress, discrete


class Parts(NamedTuple):
  """Constants of training, which the functions below read; see `joint_vae`."""

  config: JointVaeConfig
  encoder: Any
  decoder: Any
  optimizer: optax.GradientTransformation
  image_shape: tuple[int, int, int]
  num_categories: int


def joint_vae(
  config: JointVaeConfig, image_shape: tuple[int, int, int], num_categories: int
) -> Algorithm:
  """Builds the JointVAE algorithm.

  Args:
    config: the `algorithm` section of an experiment.
    image_shape: (S, S, C) of the training images.
    num_categories: k.

  Returns:
    The Algorithm; its state is a JointVaeState. `generate` decodes samples from the priors; it
    accepts `codes` `[num_images, k]`, and None samples one-hot categories of equal frequency. It
    ignores `ema`, as there is no moving average. `classify` is the encoder: the categorical logits
    `[N, k]` and the continuous mean `[N, D]`.
  """
  spans.check_whole(config)
  network = infogans.NETWORKS[config.network]
  encoder = infogans.Encoder(lambda: network.trunk(config), num_categories, config.latent_dim)
  # The decoder has no activation: its outputs are logits of intensities.
  decoder = network.generator(config, image_shape, num_categories, lambda x: x)
  parts = Parts(config, encoder, decoder, adam(config), image_shape, num_categories)
  return Algorithm(
    functools.partial(init, parts),
    functools.partial(update, parts),
    functools.partial(generate, parts),
    functools.partial(classify, parts),
    draw=functools.partial(draw, parts),
    decode=functools.partial(decode, parts),
  )


def init(parts: Parts, rng: jax.Array) -> JointVaeState:
  """Builds the state before the first update."""
  encoder_rng, decoder_rng = jax.random.split(rng)
  images = jnp.zeros((2, *parts.image_shape))
  encoder = with_statistics(parts.encoder.init(encoder_rng, images, train=False))
  latents = jnp.zeros((2, parts.config.latent_dim + parts.num_categories))
  decoder = with_statistics(parts.decoder.init(decoder_rng, latents, train=False))
  params = {'encoder': encoder['params'], 'decoder': decoder['params']}
  return JointVaeState(jnp.zeros((), jnp.int32), encoder, decoder, parts.optimizer.init(params))


def latents(
  config: JointVaeConfig,
  mean: jax.Array,
  log_variance: jax.Array,
  logits: jax.Array,
  normal: jax.Array,
  gumbel_rngs: jax.Array,
) -> jax.Array:
  """Samples the latents z = μ + σ ε and c, relaxed by Gumbel-Softmax.

  Args:
    config: the `algorithm` section.
    mean: `[N, D]`, μ.
    log_variance: `[N, D]`, log σ².
    logits: `[N, k]`, the logits of q(c|x).
    normal: `[N, D]`, ε.
    gumbel_rngs: `[N]` keys.

  Returns:
    (z, c) `[N, D + k]`.
  """

  def relax(rng, logits):
    return priors.gumbel_softmax(rng, logits, config.temperature, 1)[0]

  codes = jax.vmap(relax)(gumbel_rngs, logits)
  return jnp.concatenate([mean + jnp.exp(0.5 * log_variance) * normal, codes], axis=-1)


def negative_bound(
  params: dict,
  parts: Parts,
  state: JointVaeState,
  images: jax.Array,
  normal: jax.Array,
  gumbel_rngs: jax.Array,
) -> tuple[jax.Array, tuple[Any, Any, dict]]:
  """Negative evidence bound -log p(x|z, c) + β_z |KL_z - C_z| + β_c |KL_c - C_c|.

  Args:
    params: {'encoder', 'decoder'}.
    parts: of the algorithm.
    state: before the step.
    images: `[N, H, W, C]` in [-1, 1].
    normal: `[N, D]`, ε.
    gumbel_rngs: `[N]` keys.

  Returns:
    (scalar, (statistics of the encoder, statistics of the decoder, metrics)).
  """
  config = parts.config
  (mean, log_variance, logits), encoder_stats = apply_train(
    parts.encoder, params['encoder'], state.encoder['batch_stats'], images
  )
  decoded, decoder_stats = apply_train(
    parts.decoder,
    params['decoder'],
    state.decoder['batch_stats'],
    latents(config, mean, log_variance, logits, normal, gumbel_rngs),
  )
  metrics = {
    'loss/reconstruction': total(reconstruction_loss(logits, images) for logits in decoded),
    'loss/kl_continuous': normal_divergence(mean, log_variance),
    'loss/kl_categorical': categorical_divergence(logits),
  }
  continuous, discrete = capacities(config, state.step, parts.num_categories)
  loss = metrics['loss/reconstruction'] + (
    config.beta_continuous * jnp.abs(metrics['loss/kl_continuous'] - continuous)
    + config.beta_discrete * jnp.abs(metrics['loss/kl_categorical'] - discrete)
  )
  return loss, (encoder_stats, decoder_stats, metrics)


def update(
  parts: Parts, state: JointVaeState, batch: Batch, frozen: dict, rng: jax.Array
) -> tuple[JointVaeState, dict]:
  """Takes one step on encoder and decoder; see `Algorithm.update`. `frozen` is not read."""
  num = len(batch.images)
  normal_rng, gumbel_rng = jax.random.split(rng)
  normal = along_batch(jax.random.normal(normal_rng, (num, parts.config.latent_dim)))
  gumbel_rngs = along_batch(jax.random.split(gumbel_rng, num))
  params = {'encoder': state.encoder['params'], 'decoder': state.decoder['params']}
  gradients, (encoder_stats, decoder_stats, metrics) = jax.grad(negative_bound, has_aux=True)(
    params, parts, state, batch.images, normal, gumbel_rngs
  )
  params, optimizer_state = apply_gradients(parts.optimizer, gradients, state.optimizer, params)
  state = JointVaeState(
    step=state.step + 1,
    encoder={'params': params['encoder'], 'batch_stats': encoder_stats},
    decoder={'params': params['decoder'], 'batch_stats': decoder_stats},
    optimizer=optimizer_state,
  )
  return state, metrics


def generate(
  parts: Parts,
  state: JointVaeState,
  rng: jax.Array,
  num_images: int,
  ema: bool = True,
  codes: jax.Array | None = None,
) -> jax.Array:
  """Decodes samples from the priors; see `Algorithm.generate`."""
  noise, drawn = draw(parts, state, rng, num_images)
  return decode(parts, state, noise, drawn if codes is None else codes)


def draw(
  parts: Parts, state: JointVaeState, rng: jax.Array, num_images: int
) -> tuple[jax.Array, jax.Array]:
  """Samples both latents from their priors: `[N, D]` and `[N, k]`; see `Algorithm.draw`."""
  noise_rng, code_rng = jax.random.split(rng)
  noise = along_batch(jax.random.normal(noise_rng, (num_images, parts.config.latent_dim)))
  codes = priors.uniform_categorical(code_rng, parts.num_categories, num_images)
  return noise, along_batch(codes)


def decode(parts: Parts, state: JointVaeState, noise: jax.Array, codes: jax.Array) -> jax.Array:
  """Decodes latents to images; see `Algorithm.decode`."""
  latents = jnp.concatenate([noise, codes], -1)
  *_, logits = parts.decoder.apply(state.decoder, latents, train=False)
  return 2.0 * jax.nn.sigmoid(logits) - 1.0


def classify(parts: Parts, variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
  """The encoder in inference mode: logits `[N, k]` and mean `[N, D]`."""
  mean, _, logits = parts.encoder.apply(variables, images, train=False)
  return logits, mean
