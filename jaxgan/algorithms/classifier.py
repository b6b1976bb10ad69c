"""Classifier training: SGD, step schedule, deferred re-weighting (DRW), pretrained networks.

The classifiers in "Class Balancing GAN with a Classifier in the Loop" (§4) follow the protocol of
Cao et al. 2019: warm-up, learning rate x 0.01 at each decay epoch, and from `drw_epoch` on class
weights by effective number. The annotators of balanced data use the same without DRW. `loss` is the
cross-entropy or the focal loss, with the same class weights.

Preprocessing is part of the step: it is differentiable, and the same in training and inference.
`input_size` resizes images bilinearly to squares of this size, so that the classifier accepts
images of any size. `input_mean` and `input_std`, numbers per channel, normalise the intensities
v = (x + 1) / 2 to (v - mean) / std; without them the network reads x in [-1, 1]. In training, the
images of BiT are resized to 5/4 of the input size and cropped at random (160 and 128 pixels for
images below 96x96 in "Big Transfer", Kolesnikov et al. 2020).

| equation                                                      | function                 |
|---------------------------------------------------------------|--------------------------|
| learning rate of a step                                       | `learning_rate_schedule` |
| class weights of a step, (1 - β) / (1 - β^{n_k}) with DRW     | `class_weights`          |
| cross-entropy or focal loss, weighted                         | `class_loss`             |
"""

import functools
from typing import Annotated, Any, NamedTuple

from flax import struct
import jax
import jax.numpy as jnp
import optax
import pydantic

from jaxgan.algorithms import BATCHES, Algorithm, Batch, apply_gradients
from jaxgan.augmentation import augment
from jaxgan.config import spans
from jaxgan.config.section import (
  Count,
  Decay,
  Dtype,
  Epochs,
  Fraction,
  NotNegative,
  OneOf,
  Positive,
  Section,
  Span,
  Where,
  field,
  refuse,
)  # fmt: skip
from jaxgan.errors import UserError
from jaxgan.losses import classification
from jaxgan.networks import bit, mnist, resnet, resnet50, vggface2
from jaxgan.system.registry import Registry

# Name in a config -> (number of classes, `algorithm` section) -> network.
NETWORKS = Registry(
  'network of classifiers',
  {
    'resnet': lambda num_classes, config: resnet.ResNet(
      num_classes, config.depth, config.width, jnp.dtype(config.dtype)
    ),
    'mnist_cnn': lambda num_classes, config: mnist.EvaluationClassifier(
      num_classes, jnp.dtype(config.dtype)
    ),
    'resnet50': lambda num_classes, config: resnet50.ResNet50(
      num_classes, dtype=jnp.dtype(config.dtype)
    ),
    'resnet50_vggface2': lambda num_classes, config: resnet50.ResNet50(
      num_classes, dtype=jnp.dtype(config.dtype), caffe=True
    ),
    'bit_r50x1': lambda num_classes, config: bit.ResNetV2(
      num_classes, dtype=jnp.dtype(config.dtype)
    ),
  },
)
# Networks that need an input size, and the number that divides it.
INPUT_MULTIPLES = {'resnet50_vggface2': 32, 'bit_r50x1': 32}
# Networks that start from released weights, in the file that the field `weights` names:
# (function (arrays of the file, network) -> variables, URL of the file).
PRETRAINED = {
  'resnet50_vggface2': (vggface2.pretrained_variables, vggface2.RELEASE),
  'bit_r50x1': (bit.pretrained_variables, bit.RELEASE),
}
LOSSES = Registry(
  'loss of classifiers',
  {
    'cross_entropy': lambda config: classification.cross_entropy,
    'focal': lambda config: functools.partial(classification.focal, gamma=config.focal_gamma),
  },
)
_TRAINED_LARGER = {'bit_r50x1': (5, 4)}  # Ratio of the size before the random crop to input_size.
# The rate falls at the first start of an epoch at or after the number: 2.5 is the same as 3.
_Epoch = Annotated[int | float, Span('epochs', least=1, only_whole=False)]
_DEPTH = Where(lambda depth: depth >= 8 and depth % 6 == 2, '6n + 2: 8, 14, 20, 32, ...')


class ClassifierConfig(Section):
  """The `algorithm` section of a classifier; the default is ResNet-32 of Cao et al. 2019."""

  network: Annotated[str, OneOf(NETWORKS)] = field('resnet', 'the network')
  depth: Annotated[int, _DEPTH] = field(32, 'layers of a resnet')
  width: Count = field(16, 'channels of a resnet')
  weights: str = field('', 'path of the released weights of a pretrained network')
  input_size: Count | None = field(
    None, 'side in pixels to which images are resized; none: images are not resized'
  )
  input_mean: tuple[float, ...] | None = field(
    None, 'mean intensity in [0, 1] per channel; none: the network reads images in [-1, 1]'
  )
  input_std: tuple[Positive, ...] | None = field(
    None, 'standard deviation of the intensity per channel; needs input_mean'
  )
  loss: Annotated[str, OneOf(LOSSES)] = field('cross_entropy', 'the loss')
  focal_gamma: NotNegative = field(1.0, 'γ of the focal loss')
  learning_rate: Positive = field(0.1, 'learning rate of SGD after the warm-up')
  momentum: Decay = field(0.9, 'momentum of SGD')
  weight_decay: NotNegative = field(2e-4, 'weight decay of SGD')
  warmup_epochs: Epochs = field(5, 'epochs until the learning rate is reached')
  decay_epochs: tuple[_Epoch, ...] = field((160, 180), 'epochs at which the learning rate falls')
  decay_factor: Fraction = field(0.01, 'factor of the learning rate at each decay epoch')
  batches: Annotated[str, OneOf(tuple(BATCHES))] = field(
    'instance_balanced', 'class_balanced: every class is drawn equally often'
  )
  drw_epoch: Epochs | None = field(None, 'epoch from which classes are re-weighted; none: never')
  drw_beta: Decay = field(0.9999, 'β of the effective numbers that weight the classes')
  dtype: Dtype = field('float32', 'data type of computation; parameters are float32')

  @pydantic.model_validator(mode='after')
  def _input(self):
    multiple = INPUT_MULTIPLES.get(self.network)
    if multiple and (self.input_size is None or self.input_size % multiple):
      refuse('input_size', f'a multiple of {multiple}')
    if (self.input_mean is None) != (self.input_std is None):
      refuse('input_std', 'input_mean and input_std, or neither')
    for name in ('input_mean', 'input_std'):
      if getattr(self, name) == ():
        refuse(name, 'a number, or one per channel')
    return self

  @pydantic.model_validator(mode='after')
  def _balanced_once(self):
    if BATCHES[self.batches] and self.drw_epoch is not None:
      refuse('drw_epoch', f'none with batches={self.batches}, which balances the classes, too')
    return self


class ClassifierState(struct.PyTreeNode):
  """Everything that classifier training changes; `variables` are the network's Flax variables."""

  step: Any
  variables: Any
  optimizer: Any


def learning_rate_schedule(config: ClassifierConfig, steps_per_epoch: int) -> optax.Schedule:
  """Learning rate over steps: linear warm-up by whole epochs, then a factor at each decay epoch.

  In epoch e (from 0) of W warm-up epochs the rate is `learning_rate` · (e + 1) / W. The factor is
  `decay_factor`, by default the 0.01 of Cao et al. 2019.

  Args:
    config: the `algorithm` section of a classifier.
    steps_per_epoch: updates in an epoch.

  Returns:
    The schedule, `schedule(step) -> learning rate`.
  """

  def schedule(step):
    epoch = step // steps_per_epoch
    warm_up = jnp.minimum((epoch + 1) / max(config.warmup_epochs, 1), 1.0)
    decays = sum((epoch >= e).astype(jnp.float32) for e in map(jnp.asarray, config.decay_epochs))
    return config.learning_rate * warm_up * config.decay_factor**decays

  return schedule


def input_in_words(config: ClassifierConfig) -> str:
  """Preprocessing in words, such as 'bilinear to 224x224'; '' without preprocessing."""
  parts = (
    [] if config.input_size is None else [f'bilinear to {config.input_size}x{config.input_size}']
  )
  if config.input_mean is not None and config.input_std is not None:
    values = config.input_mean, config.input_std
    mean, std = (', '.join(f'{v:.4g}' for v in of_channels) for of_channels in values)
    parts.append(f'mean {mean} and deviation {std} of intensities')
  return '; '.join(parts)


def check_channels(config: ClassifierConfig, num_channels: int, prefix: str = '') -> None:
  """Checks that means and deviations fit the number of channels.

  Args:
    config: the `algorithm` section.
    num_channels: C of the images.
    prefix: of the section in error messages, such as 'config.cas.'.

  Raises:
    UserError: a field has neither one number nor one per channel.
  """
  for name in ('input_mean', 'input_std'):
    values = getattr(config, name)
    if values is not None and len(values) not in (1, num_channels):
      raise UserError(
        f'{prefix}algorithm.{name}={values}: expected one number or one per channel, as the images '
        f'have {num_channels} channels; for example {values[:1]}'
      )


def _to_input(images, config, rng=None):
  """Images `[N, H, W, C]` in [-1, 1] as inputs of the network; training gives `rng`."""
  size = config.input_size
  if size is not None:
    over, under = (1, 1) if rng is None else _TRAINED_LARGER.get(config.network, (1, 1))
    side = size * over // under
    images = jax.image.resize(images, (len(images), side, side, images.shape[-1]), 'bilinear')
    if rng is not None and side > size:
      images = augment.random_window(rng, images, (size, size))
  if config.input_mean is None:  # Then input_std is None, too.
    return images
  mean, std = jnp.asarray(config.input_mean), jnp.asarray(config.input_std)
  return (0.5 * (images + 1.0) - mean) / std


class Parts(NamedTuple):
  """Constants of training, which the functions below read; see `classifier`."""

  config: ClassifierConfig
  network: Any
  optimizer: optax.GradientTransformation
  image_shape: tuple[int, int, int]
  num_classes: int
  steps_per_epoch: int


def classifier(
  config: ClassifierConfig,
  image_shape: tuple[int, int, int],
  num_classes: int,
  steps_per_epoch: int,
) -> Algorithm:
  """Builds the classifier algorithm.

  With DRW, its batches need `class_counts`, int32 `[K]`: the training images of each class.

  Args:
    config: the `algorithm` section of a classifier.
    image_shape: (H, W, C).
    num_classes: K.
    steps_per_epoch: updates in an epoch, the unit of the schedule.

  Returns:
    The Algorithm; its state is a ClassifierState.

  Raises:
    UserError: `input_mean` or `input_std` do not fit the number of channels.
  """
  spans.check_whole(config)
  check_channels(config, image_shape[-1])
  network = NETWORKS[config.network](num_classes, config)
  # Weight decay enters before the momentum, as in PyTorch's SGD.
  optimizer = optax.chain(
    optax.add_decayed_weights(config.weight_decay),
    optax.sgd(learning_rate_schedule(config, steps_per_epoch), momentum=config.momentum),
  )
  parts = Parts(config, network, optimizer, image_shape, num_classes, steps_per_epoch)
  return Algorithm(
    functools.partial(init, parts),
    functools.partial(update, parts),
    classify=functools.partial(classify, parts),
    class_balanced=BATCHES[config.batches],
  )


def init(parts: Parts, rng: jax.Array) -> ClassifierState:
  """Builds the state before the first update."""
  images = _to_input(jnp.zeros((2, *parts.image_shape)), parts.config)
  variables = parts.network.init(rng, images, train=False)
  optimizer = parts.optimizer.init(variables['params'])
  return ClassifierState(jnp.zeros((), jnp.int32), variables, optimizer)


def class_weights(parts: Parts, step: jax.Array, class_counts: Any) -> jax.Array:
  """Class weights `[K]` of a step: 1 before `drw_epoch`, then by effective number of images."""
  config, weights = parts.config, jnp.ones(parts.num_classes)
  if config.drw_epoch is None:
    return weights
  drw_weights = classification.effective_number_weights(class_counts, config.drw_beta)
  return jnp.where(step >= config.drw_epoch * parts.steps_per_epoch, drw_weights, weights)


def class_loss(
  params: Any,
  parts: Parts,
  state: ClassifierState,
  images: jax.Array,
  labels: jax.Array,
  weights: jax.Array,
) -> tuple[jax.Array, tuple[jax.Array, Any]]:
  """Weighted loss of preprocessed images: (scalar, (logits `[N, K]`, new running statistics))."""
  variables = {**state.variables, 'params': params}
  # `stats` is {} for a network without batch norm.
  (logits, _), stats = parts.network.apply(variables, images, train=True, mutable=['batch_stats'])
  loss = LOSSES[parts.config.loss](parts.config)(logits, labels, weights)
  return loss, (logits, stats)


def update(
  parts: Parts, state: ClassifierState, batch: Batch, frozen: dict, rng: jax.Array
) -> tuple[ClassifierState, dict]:
  """Takes one step of SGD; see `Algorithm.update`. `frozen` is not read."""
  images = _to_input(batch.images, parts.config, rng)
  weights, params = class_weights(parts, state.step, batch.class_counts), state.variables['params']
  (loss, (logits, stats)), gradients = jax.value_and_grad(class_loss, has_aux=True)(
    params, parts, state, images, batch.labels, weights
  )
  params, optimizer_state = apply_gradients(parts.optimizer, gradients, state.optimizer, params)
  accuracy = jnp.mean(jnp.argmax(logits, axis=-1) == batch.labels)
  state = ClassifierState(state.step + 1, {**stats, 'params': params}, optimizer_state)
  return state, {'loss/classifier': loss, 'accuracy': accuracy}


def classify(parts: Parts, variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Logits `[N, K]` and features of images of any size, in inference mode."""
  return parts.network.apply(variables, _to_input(images, parts.config), train=False)
