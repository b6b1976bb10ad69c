"""The joint step of InfoGAN, which trains generator, recognition network Q, prior and maybe trunk.

See "Elastic-InfoGAN", Ojha et al. 2020. `parts` are the `jaxgan.algorithms.infogan.Parts`, `state`
is an `InfoGanState`, and `params` are from `joint_group`. Every loss is summed over the stages of
the networks.

| equation                                                      | function            |
|---------------------------------------------------------------|---------------------|
| Q(c|x), the prediction of r and the features of L_ntxent      | `recognise`         |
| L_G = -E log D(G(z, c))                                       | `adversarial_term`  |
| λ1 (-E log Q(c|x)) (Eq. 1), and E 1/2 Σ_j (r_j - μ_j)²        | `information_terms` |
| L_ntxent (Eq. 3) of real images and their views               | `contrastive_term`  |
| L_G + λ1 L_I + λ2 L_ntxent - w H(c) (Eq. 4)                   | `joint_loss`        |
| ∂ L_G / ∂ prior, the only gradient of prior_losses='adversarial' | `prior_gradient` |
"""

from collections.abc import Callable, Iterator, Sequence
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import apply_gradients, apply_train, total
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from jaxgan.augmentation import augment
from jaxgan.losses import adversarial, contrastive, mutual_information


def side_kept(config: InfoGanConfig) -> float:
  """Share of each side that a crop of the positive pair keeps."""
  return math.sqrt(config.crop_keep) if config.crop_of == 'area' else config.crop_keep


def joint_adam(config: InfoGanConfig) -> optax.GradientTransformation:
  """Adam with `prior_learning_rate` for the prior's logits; its state has the tree of `adam`."""

  def scale(updates, params):
    rates: dict[str, float] = dict.fromkeys(updates, config.learning_rate)
    if config.prior_learning_rate is not None:
      rates['prior_logits'] = config.prior_learning_rate
    return {n: jax.tree.map(lambda u, n=n: -rates[n] * u, tree) for n, tree in updates.items()}

  scale_by_adam = optax.scale_by_adam(config.beta1, config.beta2, config.epsilon)
  return optax.chain(scale_by_adam, optax.stateless(scale))


def joint_group(parts: Any, state: Any) -> dict:
  """Selects the parameters that the joint step trains."""
  group = {'generator': state.generator['params'], 'recognition': state.recognition['params']}
  if parts.config.prior == 'learnable':
    group['prior_logits'] = state.prior_logits
  if parts.config.trunk == 'both':
    group['trunk'] = state.trunk['params']
  return group


def recognise(
  params: dict, parts: Any, state: Any, images: Any, stats: tuple[Any, Any]
) -> tuple[Any, Any, tuple[Any, Any]]:
  """Applies trunk and Q to the images of each stage, with the batch's statistics.

  Args:
    params: from `joint_group`.
    parts: of the algorithm.
    state: holds the trunk if `params` do not.
    images: of each stage `[N, H, W, C]`.
    stats: running statistics of trunk and Q.

  Returns:
    (features of each stage, outputs of each stage, new statistics), where the outputs are
    (logits `[N, k]`, prediction `[N, r]`, contrastive features `[N, D]`).
  """
  trunk_params, (trunk_stats, head_stats) = params.get('trunk', state.trunk['params']), stats
  features, trunk_stats = apply_train(parts.trunk, trunk_params, trunk_stats, images)
  outputs, head_stats = apply_train(
    parts.recognition_head, params['recognition'], head_stats, features
  )
  return features, outputs, (trunk_stats, head_stats)


def adversarial_term(parts: Any, state: Any, features: Any) -> jax.Array:
  """Adversarial loss -E log D(G(z, c)) of the trunk's features `[N, ...]`, over all stages."""
  fake_logits = parts.discriminator_head.apply({'params': state.discriminator_head}, features)
  return total(adversarial.non_saturating_generator(None, logits) for logits in fake_logits)


def constant_features(parts: Any, state: Any, images: Any) -> Any:
  """Features by a constant trunk, as the adversarial loss would train the trunk to be fooled."""
  return apply_train(parts.trunk, state.trunk['params'], state.trunk['batch_stats'], images)[0]


def information_terms(
  parts: Any, outputs: Any, codes: jax.Array
) -> Iterator[tuple[str, float, jax.Array]]:
  """Yields λ1 (-E log Q(c|x)) (Eq. 1) and λ1 (-E log Q(r|x)), summed over the stages.

  Args:
    parts: of the algorithm.
    outputs: from `recognise`.
    codes: `[N, k + r]`, the codes that the images were generated from.

  Yields:
    (name of the metric, weight, scalar).
  """
  config, k = parts.config, parts.num_categories
  category, continuous = codes[:, :k], codes[:, k:]
  information = total(
    mutual_information.categorical(logits, category, config.hard_codes) for logits, _, _ in outputs
  )
  yield 'loss/mutual_information', config.mutual_information_weight, information
  if config.num_continuous:
    prediction_loss = total(
      mutual_information.continuous(prediction, continuous) for _, prediction, _ in outputs
    )
    yield 'loss/continuous', config.mutual_information_weight, prediction_loss


def agree(config: InfoGanConfig, outputs_a: tuple, outputs_b: tuple) -> jax.Array:
  """Contrastive loss of Q's outputs for two views in one stage (Eq. 3, or its positive half)."""
  (logits_a, _, features_a), (logits_b, _, features_b) = outputs_a, outputs_b
  if config.contrastive == 'positives' and config.positive_loss == 'cosine':
    probabilities = jax.nn.softmax(logits_a), jax.nn.softmax(logits_b)
    return contrastive.positive_cosine(*probabilities, config.contrastive_temperature)
  if config.contrastive == 'positives':
    return contrastive.positive_agreement(logits_a, logits_b)
  return contrastive.nt_xent(features_a, features_b, config.contrastive_temperature)


def contrastive_term(
  params: dict,
  parts: Any,
  state: Any,
  real_images: jax.Array,
  stats: tuple[Any, Any],
  view_rngs: Sequence[jax.Array],
) -> tuple[jax.Array, tuple[Any, Any]]:
  """Contrastive loss L_ntxent of real images and their views (Eq. 3), summed over the stages.

  Args:
    params: from `joint_group`.
    parts: of the algorithm.
    state: holds the trunk if `params` do not.
    real_images: `[N, H, W, C]`.
    stats: running statistics of trunk and Q.
    view_rngs: the three keys of `augment.random_view`.

  Returns:
    (scalar, new statistics).
  """
  config = parts.config
  views = augment.random_view(
    view_rngs,
    real_images,
    config.rotation_degrees,
    config.zoom_range,
    side_kept(config),
    config.flip,
    config.gamma_range,
    config.views,
  )
  outputs = []
  for images in (real_images, views):
    _, of_view, stats = recognise(params, parts, state, parts.to_stages(images), stats)
    outputs.append(of_view)
  return total(map(functools.partial(agree, config), *outputs)), stats


def joint_loss(
  params: dict,
  codes: jax.Array,
  images: Any,
  parts: Any,
  state: Any,
  real_images: jax.Array,
  view_rngs: Sequence[jax.Array],
) -> tuple[jax.Array, tuple[tuple[Any, Any], dict]]:
  """Joint loss L_G + λ1 L_I + λ2 L_ntxent - w H(c) (Eq. 4).

  Args:
    params: from `joint_group`.
    codes: `[N, k + r]`, the codes of the generated images.
    images: generated images of each stage.
    parts: of the algorithm.
    state: after the discriminator step.
    real_images: `[N, H, W, C]`.
    view_rngs: the three keys of `augment.random_view`.

  Returns:
    (scalar, (new statistics of trunk and Q, metrics)).
  """
  config = parts.config
  stats = state.trunk['batch_stats'], state.recognition['batch_stats']
  features, outputs, stats = recognise(params, parts, state, images, stats)
  if parts.config.trunk == 'both':
    features = constant_features(parts, state, images)
  loss = adversarial_term(parts, state, features)
  metrics = {'loss/generator': loss}
  for name, weight, value in information_terms(parts, outputs, codes):
    loss += weight * value
    metrics[name] = value
  if config.contrastive != 'none':
    agreement, stats = contrastive_term(params, parts, state, real_images, stats, view_rngs)
    loss += config.contrastive_weight * agreement
    metrics['loss/contrastive'] = agreement
  if config.prior_entropy_weight:
    negative_entropy = -mutual_information.entropy(params['prior_logits'])
    loss += config.prior_entropy_weight * negative_entropy
    metrics['loss/prior_entropy'] = negative_entropy
  return loss, (stats, metrics)


def prior_gradient(parts: Any, state: Any, generated: tuple, pullback: Callable) -> jax.Array:
  """Gradient `[k]` of the adversarial loss alone with respect to the prior's logits."""
  codes, images = generated
  from_images = jax.grad(
    lambda images: adversarial_term(parts, state, constant_features(parts, state, images))
  )(images)
  (through_generator,) = pullback((jnp.zeros_like(codes), from_images))
  return through_generator['prior_logits']


def joint_step(
  parts: Any,
  state: Any,
  real_images: jax.Array,
  generated: tuple,
  pullback: Callable,
  view_rngs: Sequence[jax.Array],
) -> tuple[Any, dict]:
  """Trains generator, Q and a learned prior, with `trunk='both'` also the trunk.

  Args:
    parts: of the algorithm.
    state: after the discriminator step.
    real_images: `[N, H, W, C]`.
    generated: (codes, images) from `generate_batch`.
    pullback: maps gradients of `generated` to gradients of `joint_group`.
    view_rngs: the three keys of `augment.random_view`.

  Returns:
    (state, metrics).
  """
  params = joint_group(parts, state)
  (gradients, *generated_gradients), (stats, metrics) = jax.grad(
    joint_loss, argnums=(0, 1, 2), has_aux=True
  )(params, *generated, parts, state, real_images, view_rngs)
  (through_generator,) = pullback(tuple(generated_gradients))
  if parts.config.prior == 'learnable' and parts.config.prior_losses == 'adversarial':
    through_generator['prior_logits'] = prior_gradient(parts, state, generated, pullback)
  gradients = jax.tree.map(jnp.add, gradients, through_generator)
  params, optimizer_state = apply_gradients(
    parts.joint_optimizer, gradients, state.joint_optimizer, params
  )
  trunk_stats, head_stats = stats
  state = state.replace(
    generator={**state.generator, 'params': params['generator']},
    trunk={'params': params.get('trunk', state.trunk['params']), 'batch_stats': trunk_stats},
    recognition={'params': params['recognition'], 'batch_stats': head_stats},
    prior_logits=params.get('prior_logits', state.prior_logits),
    joint_optimizer=optimizer_state,
  )
  return state, metrics | {'prior': jax.nn.softmax(state.prior_logits)}
