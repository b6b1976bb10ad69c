"""Sections that the experiments share, with the papers' values.

Every experiment file has a `get_config(argument)`, which changes these values for its row of the
paper or for its smaller data. docs/configuration.md lists all fields; the command line changes any
of them, for example `--config.train.batch_size=64`.
"""

from collections.abc import Callable, Sequence
import types
from typing import Any

from jaxgan.algorithms.classifier import ClassifierConfig
from jaxgan.algorithms.gan_methods import GanConfig
from jaxgan.config.overrides import changed
from jaxgan.data.config import DataConfig
from jaxgan.errors import UserError
from jaxgan.networks import vggface2
from jaxgan.runs import families
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.families import class_balancing
from jaxgan.training.config import ClassifierSection, TrainConfig, Training


def parse_argument(argument: str, **allowed: Sequence) -> types.SimpleNamespace:
  """Reads the part of `--config=file.py:key=value,...` after the colon.

  Args:
    argument: comma-separated `key=value` pairs, or ''.
    **allowed: the allowed values of each key; the first is the default.

  Returns:
    A namespace with a value for each key.

  Raises:
    UserError: an unknown key or value, or a repeated key.
  """
  values, given = {key: choices[0] for key, choices in allowed.items()}, set()
  for pair in filter(None, argument.split(',')):
    key, _, text = pair.partition('=')
    choices = {str(choice): choice for choice in allowed.get(key, ())}
    if text not in choices or key in given:
      known = ', '.join(f'{k}={"|".join(map(str, v))}' for k, v in allowed.items())
      keys = [k for k, v in allowed.items() if key in map(str, v)]
      meant = f'; did you mean {keys[0]}={key}?' if keys and not text else ', each once.'
      raise UserError(f'--config=...:{argument}: {pair!r}: expected {known}{meant}')
    values[key] = choices[text]
    given.add(key)
  return types.SimpleNamespace(**values)


def data_section(dataset: str, flip: bool, crop_padding: int = 0) -> DataConfig:
  """Builds the section `data` of a data set with its augmentation."""
  return DataConfig(dataset=dataset, flip=flip, crop_padding=crop_padding)


def classifier_section(dataset: str, drw: bool, flip: bool = True) -> ClassifierSection:
  """Builds a ResNet-32 by the protocol of Cao et al. 2019; `drw` re-weights from epoch 160."""
  return ClassifierSection(
    data=data_section(dataset, flip, crop_padding=4),
    algorithm=ClassifierConfig(drw_epoch=160 if drw else None),
    train=train_section(batch_size=128, epochs=200, every=1000),
  )


def evaluation_classifier_section(dataset: str) -> ClassifierSection:
  """Builds the CNN that labels generated digits, with 99 % accuracy on `long_tail_mnist/full`.

  The paper prints none of these values.
  """
  return ClassifierSection(
    data=data_section(dataset, flip=False),
    algorithm=ClassifierConfig(
      network='mnist_cnn',
      learning_rate=0.05,
      weight_decay=5e-4,
      warmup_epochs=0,
      decay_epochs=(2,),
    ),
    train=train_section(batch_size=128, epochs=3, every=500),
  )


def resnet50_section(dataset: str) -> ClassifierSection:
  """Builds the ResNet-50 that labels generated 64x64 images (§4.2 of Elastic-InfoGAN's supplement).

  The paper prints no other values; the values of the ResNet-32 replace them.
  """
  return changed(classifier_section(dataset, drw=False), {'algorithm.network': 'resnet50'})


def vggface2_section(dataset: str) -> ClassifierSection:
  """Builds the ResNet-50 of VGGFace2, fine-tuned with a new head on images resized to 224x224.

  §4.3 of Elastic-InfoGAN's supplement only says that the network was pretrained on VGGFace2. The
  learning rate, the epochs, and the crops and mirror images before the resize are our choices. The
  supplement does not name the released weights, `resnet50_ft` or `resnet50_scratch`: the field
  `algorithm.weights` names their file, see `jaxgan.networks.vggface2`.
  """
  return ClassifierSection(
    data=data_section(dataset, flip=True, crop_padding=4),
    algorithm=ClassifierConfig(
      network='resnet50_vggface2',
      input_size=vggface2.INPUT_SIZE,
      input_mean=vggface2.MEAN,
      input_std=vggface2.STD,
      learning_rate=0.01,
      warmup_epochs=1,
      decay_epochs=(10, 15),
      decay_factor=0.1,
    ),
    train=train_section(batch_size=128, epochs=20, every=500),
  )


def with_focal_loss(section: Any) -> ClassifierSection:
  """Changes a ResNet-32 to the training of the authors' released code for CIFAR-10 and LSUN.

  The released code uses LDAM-DRW's focal loss with γ = 1, and the checkpoint of the epoch with the
  best validation accuracy. The paper only names DRW and contradicts neither.

  Args:
    section: the section of a classifier or annotator; its re-weighting stays.

  Returns:
    The changed section.
  """
  # None evaluates after each epoch, for any batch size.
  changes = {'algorithm.loss': 'focal', 'checkpoint': 'best', 'train.evaluate_every': None}
  return changed(section, changes)


# The paper's 20,000 and 2,000 of 100,000 steps, as fractions for runs of any length.
SCHEDULE_OF_THE_PAPER = {'algorithm.ema_start': 0.2, 'algorithm.count_cycle': 0.02}


def proportional_classifier(section: Any) -> Any:
  """Changes the epochs of `classifier_section`, of 200, to fractions of the training."""
  return changed(
    section,
    {
      'algorithm.warmup_epochs': 0.025,
      'algorithm.decay_epochs': (0.8, 0.9),
      'algorithm.drw_epoch': None if section.algorithm.drw_epoch is None else 0.8,
    },
  )


def shortened_classifier(section: Any) -> Any:
  """Shortens a classifier to a ResNet of 8 layers and a tenth of the epochs, for a first look."""
  return changed(
    proportional_classifier(section),
    {
      'algorithm.depth': 8,
      'train': train_section(batch_size=32, epochs=20, every=1000),
    },
  )


def few_labels_classifier_section(
  dataset: str, num_labels: int, flip: bool = True
) -> ClassifierSection:
  """Builds BiT-M R50x1, pretrained on ImageNet-21k and fine-tuned on a few labelled images.

  The rule of "Big Transfer" for small data (its notebook big_transfer_pytorch, which the paper
  followed, §6.4.3): 500 steps of SGD without weight decay, of which 100 are warm-up. In the
  notebook a batch has 512 draws from the labelled images; here it has every labelled image once, so
  that an epoch is one step.

  Args:
    dataset: the labelled images.
    num_labels: the number of labelled images.
    flip: mirror images at random.

  Returns:
    The section; the command must set its `algorithm.weights`.
  """
  return ClassifierSection(
    data=data_section(dataset, flip),
    algorithm=ClassifierConfig(
      network='bit_r50x1',
      input_size=128,
      learning_rate=0.003,
      weight_decay=0.0,
      warmup_epochs=100,
      decay_epochs=(200, 300, 400),
      decay_factor=0.1,
    ),
    train=train_section(batch_size=num_labels, epochs=500, every=500),
  )


# c_k at the start of the first cycle on CIFAR-10 and LSUN in the authors' released code; the paper
# does not say. Batch x cycle / K is 51,200 or more there: scale it for other lengths.
PUBLISHED_CYCLE_START = 512.0

# λ with a classifier of few labels by imbalance ratio, the same on CIFAR-10 and LSUN (§6.4.3).
FEW_LABELS_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5}


def check_few_labels(argument: str, ratio: int) -> None:
  """Raises a UserError for an imbalance ratio without a semi-supervised row in the paper."""
  if ratio not in FEW_LABELS_REGULARISER_WEIGHT:
    raise UserError(f'--config=...:{argument}: classifier=few_labels needs ratio=100 or ratio=10')


def train_section(
  batch_size: int,
  every: int,
  steps: int | None = None,
  epochs: int | None = None,
  preview: bool = False,
) -> TrainConfig:
  """Builds the section `train`; `every` is the period of evaluation, pictures and checkpoints."""
  return TrainConfig(
    batch_size=batch_size,
    steps=steps,
    epochs=epochs,
    evaluate_every=every,
    picture_every=every,
    checkpoint_every=every,
    preview=preview,
  )


def run_fields(experiment: str, method: str) -> dict:
  """Returns the fields of an experiment other than its sections."""
  return {'experiment': experiment, 'workdir': f'runs/{experiment}', 'methods': (method,)}


def gan_config(
  experiment: str,
  method: str,
  classifier_data: str,
  annotator_data: str,
  flip: bool,
  classifier: ClassifierSection | None = None,
  gan_flip: bool = False,
) -> Experiment:
  """Builds an SNDCGAN for 32x32 images with the hyper-parameters of the paper (Table 10) and code.

  Classifiers are trained with the cross-entropy, and their last checkpoint is used. This is
  necessary for the classifier of the CAS: its best checkpoint would be selected by the test images
  of the score.

  Args:
    experiment: the name, also of the default work directory.
    method: one of `jaxgan.algorithms.gan_methods.METHODS`; all other settings are the same.
    classifier_data: the long-tailed training images of the GAN and the classifier.
    annotator_data: the balanced training images of the annotator.
    flip: mirror the training images of the classifier, the annotator and the CAS.
    classifier: the section of a classifier in the loop with other training images.
    gan_flip: mirror the training images of the GAN; the authors' released code does not.

  Returns:
    The Experiment, with an empty `published`.
  """
  cas = classifier_section(classifier_data, drw=False, flip=flip)
  return families.experiment(
    {
      **run_fields(experiment, method),
      'published': {},  # method -> row of published_results.json
      'data': data_section(classifier_data, gan_flip),
      'algorithm': GanConfig(),
      'train': train_section(batch_size=256, steps=100_000, every=2000),
      'evaluation': class_balancing.GanEvaluation(),
      'classifier': classifier or classifier_section(classifier_data, drw=True, flip=flip),
      'annotator': classifier_section(annotator_data, drw=False, flip=flip),
      # The classifier of the CAS trains on generated images and reads only the test split.
      'cas': Training(data=cas.data, algorithm=cas.algorithm, train=cas.train),
    }
  )


def for_each_role(config: Experiment, change: Callable) -> dict:
  """Returns {role: `change(section)`} of the classifiers of an experiment, for `changed`."""
  roles = ('classifier', 'annotator', 'cas')
  return {role: change(own) for role in roles if (own := getattr(config, role))}


# The ± of the paper's tables is over three re-samplings of one checkpoint, and its CAS uses 100,000
# images (authors' released code; the paper prints neither number).
EVALUATED_AS_PUBLISHED = {'evaluation.resamplings': 3, 'evaluation.cas_images': 100_000}
