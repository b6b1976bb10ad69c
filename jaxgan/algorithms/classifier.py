"""Classifier training on long-tailed data: SGD, step schedule, deferred re-weighting (DRW).

Protocol of the classifiers in "Class Balancing GAN with a Classifier in the Loop" (§4), which is
that of Cao et al. 2019: warm-up, learning rate x 0.01 at each decay epoch, and from `drw_epoch` on
class weights by effective number. The annotators of balanced data use the same without DRW.
"""

from typing import Any

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import Algorithm
from jaxgan.losses import classification
from jaxgan.networks import mnist, resnet

# Name in a config -> (number of classes, `algorithm` section) -> network.
NETWORKS = {
  'resnet': lambda num_classes, config: resnet.ResNet(
    num_classes, config.depth, config.width, jnp.dtype(config.dtype)
  ),
  'mnist_cnn': lambda num_classes, config: mnist.EvaluationClassifier(
    num_classes, jnp.dtype(config.dtype)
  ),
}


class ClassifierState(struct.PyTreeNode):
  """Everything that classifier training changes; `variables` are those of the network."""

  step: Any
  variables: Any
  optimizer: Any


def learning_rate_schedule(config, steps_per_epoch: int):
  """Learning rate over steps: linear warm-up by whole epochs, then x 0.01 at each decay epoch.

  In epoch e (from 0) of W warm-up epochs the rate is `learning_rate` · (e + 1) / W.
  """

  def schedule(step):
    epoch = step // steps_per_epoch
    warm_up = jnp.minimum((epoch + 1) / max(config.warmup_epochs, 1), 1.0)
    decays = sum((epoch >= e).astype(jnp.float32) for e in map(jnp.asarray, config.decay_epochs))
    return config.learning_rate * warm_up * 0.01**decays

  return schedule


def classifier(
  config, image_shape: tuple[int, int, int], num_classes: int, steps_per_epoch: int
) -> Algorithm:
  """Builds the classifier algorithm.

  With DRW its batches carry `class_counts`, int32 `[K]`: the training images of each class.

  Args:
    config: the `algorithm` section of a classifier.
    image_shape: (H, W, C).
    num_classes: K.
    steps_per_epoch: updates in an epoch, the unit of the schedule.

  Returns:
    The Algorithm; its state is a ClassifierState.
  """
  network = NETWORKS[config.network](num_classes, config)
  schedule = learning_rate_schedule(config, steps_per_epoch)
  # Weight decay enters before the momentum, as in PyTorch's SGD.
  optimizer = optax.chain(
    optax.add_decayed_weights(config.weight_decay),
    optax.sgd(schedule, momentum=config.momentum),
  )
  drw_step = config.drw_epoch * steps_per_epoch if config.drw_epoch is not None else None

  def init(rng):
    variables = network.init(rng, jnp.zeros((2, *image_shape)), train=False)
    return ClassifierState(
      step=jnp.zeros((), jnp.int32),
      variables=variables,
      optimizer=optimizer.init(variables['params']),
    )

  def update(state, batch, rng):
    del rng
    class_weights = jnp.ones(num_classes)
    if drw_step is not None:
      drw_weights = classification.effective_number_weights(batch['class_counts'], config.drw_beta)
      class_weights = jnp.where(state.step >= drw_step, drw_weights, class_weights)

    def loss_fn(params):
      variables = {**state.variables, 'params': params}
      # `stats` is {} for a network without batch norm.
      (logits, _), stats = network.apply(
        variables, batch['images'], train=True, mutable=['batch_stats']
      )
      loss = classification.cross_entropy(logits, batch['labels'], class_weights)
      return loss, (logits, stats)

    params = state.variables['params']
    (loss, (logits, stats)), gradients = jax.value_and_grad(loss_fn, has_aux=True)(params)
    updates, optimizer_state = optimizer.update(gradients, state.optimizer, params)
    accuracy = jnp.mean(jnp.argmax(logits, axis=-1) == batch['labels'])
    state = ClassifierState(
      step=state.step + 1,
      variables={**stats, 'params': optax.apply_updates(params, updates)},
      optimizer=optimizer_state,
    )
    return state, {'loss/classifier': loss, 'accuracy': accuracy}

  def classify(variables, images):
    return network.apply(variables, images, train=False)

  return Algorithm(init, update, classify=classify)
