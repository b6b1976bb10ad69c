"""Classifier training: SGD, step schedule, deferred re-weighting (DRW), pretrained networks.

Protocol of the classifiers in "Class Balancing GAN with a Classifier in the Loop" (§4), which is
that of Cao et al. 2019: warm-up, learning rate x 0.01 at each decay epoch, and from `drw_epoch` on
class weights by effective number. The annotators of balanced data use the same without DRW.

A network that was pretrained on larger images has an `input_size`: images are resized to it, in
training to 5/4 of it and cropped at random (160 and 128 pixels for images below 96x96 in "Big
Transfer", Kolesnikov et al. 2020). All is inside the step, and differentiable.
"""

from typing import Any

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan import augment
from jaxgan.algorithms import Algorithm
from jaxgan.losses import classification
from jaxgan.networks import bit, mnist, resnet, resnet50

# Name in a config -> (number of classes, `algorithm` section) -> network.
NETWORKS = {
  'resnet': lambda num_classes, config: resnet.ResNet(
    num_classes, config.depth, config.width, jnp.dtype(config.dtype)
  ),
  'mnist_cnn': lambda num_classes, config: mnist.EvaluationClassifier(
    num_classes, jnp.dtype(config.dtype)
  ),
  'resnet50': lambda num_classes, config: resnet50.ResNet50(
    num_classes, dtype=jnp.dtype(config.dtype)
  ),
  'bit_r50x1': lambda num_classes, config: bit.ResNetV2(num_classes, dtype=jnp.dtype(config.dtype)),
}
# The fields of the `algorithm` section that a network has beside those of all.
FIELDS = {
  'resnet': ('depth', 'width'),
  'mnist_cnn': (),
  'resnet50': (),
  'bit_r50x1': ('weights', 'input_size'),
}
# Networks that begin from released weights, an npz that the field `weights` names: (arrays of the
# npz, network) -> variables, and where it is.
PRETRAINED = {'bit_r50x1': (bit.pretrained_variables, bit.RELEASE)}


class ClassifierState(struct.PyTreeNode):
  """Everything that classifier training changes; `variables` are those of the network."""

  step: Any
  variables: Any
  optimizer: Any


def learning_rate_schedule(config, steps_per_epoch: int):
  """Learning rate over steps: linear warm-up by whole epochs, then a factor at each decay epoch.

  In epoch e (from 0) of W warm-up epochs the rate is `learning_rate` · (e + 1) / W. The factor is
  `decay_factor`, in a section without one the 0.01 of Cao et al. 2019.
  """
  factor = config.get('decay_factor', 0.01)

  def schedule(step):
    epoch = step // steps_per_epoch
    warm_up = jnp.minimum((epoch + 1) / max(config.warmup_epochs, 1), 1.0)
    decays = sum((epoch >= e).astype(jnp.float32) for e in map(jnp.asarray, config.decay_epochs))
    return config.learning_rate * warm_up * factor**decays

  return schedule


def _resize(images, size: int):
  shape = (images.shape[0], size, size, images.shape[-1])
  return jax.image.resize(images, shape, 'bilinear')


def _to_input(images, config):
  """Images `[N, H, W, C]` as the network sees them in inference."""
  return _resize(images, config.input_size) if 'input_size' in config else images


def _to_training_input(rng, images, config):
  """Images `[N, H, W, C]` as the network sees them in training."""
  if 'input_size' not in config:
    return images
  size = config.input_size
  return augment.random_window(rng, _resize(images, size * 5 // 4), (size, size))


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
    images = _to_input(jnp.zeros((2, *image_shape)), config)
    variables = network.init(rng, images, train=False)
    return ClassifierState(
      step=jnp.zeros((), jnp.int32),
      variables=variables,
      optimizer=optimizer.init(variables['params']),
    )

  def update(state, batch, rng):
    images = _to_training_input(rng, batch['images'], config)
    class_weights = jnp.ones(num_classes)
    if drw_step is not None:
      drw_weights = classification.effective_number_weights(batch['class_counts'], config.drw_beta)
      class_weights = jnp.where(state.step >= drw_step, drw_weights, class_weights)

    def loss_fn(params):
      variables = {**state.variables, 'params': params}
      # `stats` is {} for a network without batch norm.
      (logits, _), stats = network.apply(variables, images, train=True, mutable=['batch_stats'])
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
    return network.apply(variables, _to_input(images, config), train=False)

  return Algorithm(init, update, classify=classify)
