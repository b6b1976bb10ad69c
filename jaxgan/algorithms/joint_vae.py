"""JointVAE, the paper's VAE baseline: a continuous and a categorical latent, both encoded.

The negative evidence lower bound with a weight β and a growing target C on each divergence,

  -log p(x|z, c) + β_z |KL(q(z|x) ‖ N(0, I)) - C_z| + β_c |KL(q(c|x) ‖ Cat(1/k)) - C_c|,

each the mean over images of a sum over pixels or latents. C_z rises from 0 in equal steps; C_c does
too, and stops at log k, the most that the category can tell. z is reparameterised and c relaxed
with Gumbel-Softmax. See "Elastic-InfoGAN", Ojha et al. 2020, §4.4 of the supplement, and "Learning
Disentangled Joint Continuous and Discrete Representations", Dupont 2018, Eq. 7.

The paper reports the best of β_z, β_c in {10, 20, 30, 40, 50} and does not say which it is; see
`experiments/joint_vae_sweep.py`. It has no targets, and its code has no JointVAE, so the targets
are those of Dupont's released models: MNIST up to C_z = 5 and C_c = min(5, log k) nats in 25,000
steps, chairs of 64x64 pixels up to 30 and min(5, log k) in 100,000. Dupont's γ (30 for MNIST, 300
for chairs) is β here: his loss is a sum over the pixels of grey images, too. For colour images his
code has the mean over the channels, so there his γ corresponds to 3 γ here. The paper found
reconstructions poor from β = 100 on. Without targets (C = 0) the category stays unused on MNIST:
after 300 steps its KL is 0.02 nats with β = 10 and 0.003 with β = 50, that of z 1.19 and 0.05.

Where both are silent: the decoder is the GANs' generator and the encoder their trunk, so that the
baseline has their capacity, and it learns at their rate; the likelihood is Dupont's, binary
cross-entropy of intensities in [0, 1], and that of a generator in several stages is the product
over the images of all.
"""

from typing import Annotated, Any

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan import priors
from jaxgan.algorithms import Algorithm, adam, apply_train, total
from jaxgan.algorithms.optimizers import AdamConfig
from jaxgan.config.section import Count, NotNegative, OneOf, Positive, Several, field
from jaxgan.networks import infogans
from jaxgan.parallel import along_batch


class JointVaeConfig(AdamConfig):
  """The `algorithm` section of JointVAE, by default of MNIST."""

  network: Annotated[str, OneOf(infogans.NETWORKS)] = field('mnist', 'encoder and decoder')
  width: Count = field(64, 'channels of stackgan and stackgan_two_stage; that of mnist is fixed')
  num_categories: Several | None = field(
    None, 'k, number of codes; none: as many as there are classes'
  )
  latent_dim: Count = field(10, 'continuous latents')
  temperature: Positive = field(0.67, 'τ of Gumbel-Softmax')
  beta_continuous: NotNegative = field(30.0, 'β_z, of 10 to 50; the paper does not say its best')
  beta_discrete: NotNegative = field(30.0, 'β_c')
  continuous_capacity: NotNegative = field(5.0, 'last C_z, in nats')
  discrete_capacity: NotNegative = field(5.0, 'last C_c, in nats; at most log k')
  capacity_steps: Count = field(25_000, 'steps until the capacities are reached')


class JointVaeState(struct.PyTreeNode):
  """Everything that training changes; `encoder` and `decoder` are Flax variables."""

  step: Any
  encoder: Any
  decoder: Any
  optimizer: Any

  @property
  def variables(self):
    """What `classify` needs: the encoder's variables."""
    return self.encoder


def reconstruction_loss(logits, images):
  """Binary cross-entropy of intensities v = (x + 1) / 2, -E Σ v log σ(l) + (1 - v) log σ(-l).

  Args:
    logits: `[N, H, W, C]`, of the decoded intensities.
    images: `[N, H, W, C]` in [-1, 1].

  Returns:
    Scalar: the mean over images of the sum over pixels.
  """
  losses = optax.sigmoid_binary_cross_entropy(logits, 0.5 * (images + 1.0))
  return jnp.mean(jnp.sum(losses, axis=(1, 2, 3)))


def normal_divergence(mean, log_variance):
  """KL(N(μ, σ²) ‖ N(0, I)) = 1/2 Σ_j (μ_j² + σ_j² - 1 - log σ_j²).

  Args:
    mean: `[N, D]`.
    log_variance: `[N, D]`.

  Returns:
    Scalar: the mean over images.
  """
  terms = jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance
  return 0.5 * jnp.mean(jnp.sum(terms, axis=-1))


def categorical_divergence(logits):
  """KL(q ‖ Cat(1/k)) = log k + Σ_i q_i log q_i.

  Args:
    logits: `[N, k]`, of q.

  Returns:
    Scalar: the mean over images.
  """
  log_probs = jax.nn.log_softmax(logits)
  negative_entropy = jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)
  return jnp.log(logits.shape[-1]) + jnp.mean(negative_entropy)


def capacities(config, step, num_categories: int):
  """The targets (C_z, C_c) of the divergences, Dupont 2018, Eq. 7, in nats.

  C_z = C_z,max min(t / T, 1) and C_c = min(C_c,max min(t / T, 1), log k), where T is
  `capacity_steps` and the last targets are `continuous_capacity` and `discrete_capacity`.

  Args:
    config: the `algorithm` section.
    step: t, updates so far.
    num_categories: k.

  Returns:
    Two scalars.
  """
  progress = jnp.minimum(step / config.capacity_steps, 1.0)
  discrete = jnp.minimum(config.discrete_capacity * progress, jnp.log(num_categories))
  return config.continuous_capacity * progress, discrete


def joint_vae(config, image_shape: tuple[int, int, int], num_categories: int) -> Algorithm:
  """Builds the JointVAE algorithm.

  Args:
    config: the `algorithm` section of an experiment: `network` (of
      `jaxgan.networks.infogans.NETWORKS`) and its `width`, `latent_dim` (D), `temperature` (of
      Gumbel-Softmax), `beta_continuous` and `beta_discrete` (β_z, β_c), `continuous_capacity` and
      `discrete_capacity` (the last C_z and, below log k, the last C_c, in nats), `capacity_steps`
      (until they are reached), `learning_rate`, `beta1`, `beta2`, `epsilon` (of Adam), `dtype`.
    image_shape: (S, S, C) of the training images.
    num_categories: k.

  Returns:
    The Algorithm; its state is a JointVaeState. `generate` decodes draws from the priors, with
    one-hot categories of equal frequency unless it is given `codes` `[num_images, k]`; there is no
    moving average and `ema` is ignored. `classify` is the encoder: the categorical logits `[N, k]`
    and the continuous mean `[N, D]`.
  """
  network = infogans.NETWORKS[config.network]
  encoder = infogans.Encoder(lambda: network.trunk(config), num_categories, config.latent_dim)
  # Without an activation: logits of intensities.
  decoder = network.generator(config, image_shape, num_categories, lambda x: x)
  optimizer = adam(config)

  def init(rng):
    encoder_rng, decoder_rng = jax.random.split(rng)
    encoder_variables = encoder.init(encoder_rng, jnp.zeros((2, *image_shape)), train=False)
    latents = jnp.zeros((2, config.latent_dim + num_categories))
    decoder_variables = decoder.init(decoder_rng, latents, train=False)
    params = {'encoder': encoder_variables['params'], 'decoder': decoder_variables['params']}
    return JointVaeState(
      step=jnp.zeros((), jnp.int32),
      encoder=encoder_variables,
      decoder=decoder_variables,
      optimizer=optimizer.init(params),
    )

  def update(state, batch, rng):
    images = batch['images']
    num = images.shape[0]
    normal_rng, gumbel_rng = jax.random.split(rng)
    normal = along_batch(jax.random.normal(normal_rng, (num, config.latent_dim)))
    gumbel_rngs = along_batch(jax.random.split(gumbel_rng, num))

    def relax(rng, logits):
      return priors.gumbel_softmax(rng, logits, config.temperature, 1)[0]

    def loss_fn(params):
      (mean, log_variance, logits), encoder_stats = apply_train(
        encoder, params['encoder'], state.encoder['batch_stats'], images
      )
      codes = jax.vmap(relax)(gumbel_rngs, logits)
      latents = jnp.concatenate([mean + jnp.exp(0.5 * log_variance) * normal, codes], axis=-1)
      decoded, decoder_stats = apply_train(
        decoder, params['decoder'], state.decoder['batch_stats'], latents
      )
      metrics = {
        'loss/reconstruction': total(reconstruction_loss(logits, images) for logits in decoded),
        'loss/kl_continuous': normal_divergence(mean, log_variance),
        'loss/kl_categorical': categorical_divergence(logits),
      }
      targets = capacities(config, state.step, num_categories)
      distances = [
        jnp.abs(metrics[f'loss/kl_{name}'] - target)
        for name, target in zip(('continuous', 'categorical'), targets, strict=True)
      ]
      loss = metrics['loss/reconstruction']
      loss += config.beta_continuous * distances[0] + config.beta_discrete * distances[1]
      return loss, (encoder_stats, decoder_stats, metrics)

    params = {'encoder': state.encoder['params'], 'decoder': state.decoder['params']}
    (_, aux), gradients = jax.value_and_grad(loss_fn, has_aux=True)(params)
    encoder_stats, decoder_stats, metrics = aux
    updates, optimizer_state = optimizer.update(gradients, state.optimizer, params)
    params = optax.apply_updates(params, updates)
    state = JointVaeState(
      step=state.step + 1,
      encoder={'params': params['encoder'], 'batch_stats': encoder_stats},
      decoder={'params': params['decoder'], 'batch_stats': decoder_stats},
      optimizer=optimizer_state,
    )
    return state, metrics

  def generate(state, rng, num_images, ema=True, codes=None):
    del ema
    noise_rng, code_rng = jax.random.split(rng)
    noise = along_batch(jax.random.normal(noise_rng, (num_images, config.latent_dim)))
    if codes is None:
      codes = along_batch(priors.uniform_categorical(code_rng, num_categories, num_images))
    latents = jnp.concatenate([noise, codes], axis=-1)
    *_, logits = decoder.apply(state.decoder, latents, train=False)
    return 2.0 * jax.nn.sigmoid(logits) - 1.0

  def classify(variables, images):
    mean, _, logits = encoder.apply(variables, images, train=False)
    return logits, mean

  return Algorithm(init, update, generate, classify)
