"""What the experiments share: the sections of a configuration and the paper's values for them.

Every experiment file has a `get_config(argument)` that changes these values where its row of the
paper (or its smaller data) differs. docs/configuration.md lists all fields; each can be changed on
the command line, such as `--config.train.batch_size=64`.
"""

from collections.abc import Callable
import types

from jaxgan.algorithms.classifier import ClassifierConfig
from jaxgan.algorithms.gan_methods import GanConfig
from jaxgan.config.overrides import changed
from jaxgan.data.config import DataConfig
from jaxgan.errors import UserError
from jaxgan.networks import vggface2
from jaxgan.runs import families
from jaxgan.runs.experiment import ClassifierSection, Experiment, Training
from jaxgan.runs.families import class_balancing
from jaxgan.training.config import TrainConfig


def parse_argument(argument: str, **allowed):
  """Reads the part of `--config=file.py:key=value,...` after the colon.

  Args:
    argument: comma-separated `key=value` pairs; may be empty.
    **allowed: for each key the allowed values; the first is the default.

  Returns:
    Namespace of one value per key.

  Raises:
    UserError: an unknown key or value, or a key that comes twice.
  """
  values, given = {key: choices[0] for key, choices in allowed.items()}, set()
  for pair in filter(None, argument.split(',')):
    key, _, text = pair.partition('=')
    choices = {str(choice): choice for choice in allowed.get(key, ())}
    if text not in choices or key in given:
      known = ', '.join(f'{k}={"|".join(map(str, v))}' for k, v in allowed.items())
      raise UserError(f'--config=...:{argument}: {pair!r} is not possible: use {known}, each once')
    values[key] = choices[text]
    given.add(key)
  return types.SimpleNamespace(**values)


def data_section(dataset: str, flip: bool, crop_padding: int = 0) -> DataConfig:
  """Which data set, and how it is augmented."""
  return DataConfig(dataset=dataset, flip=flip, crop_padding=crop_padding)


def classifier_section(dataset: str, drw: bool, flip: bool = True) -> ClassifierSection:
  """ResNet-32 by the protocol of Cao et al. 2019; `drw` re-weights the classes from epoch 160."""
  return ClassifierSection(
    data=data_section(dataset, flip, crop_padding=4),
    algorithm=ClassifierConfig(drw_epoch=160 if drw else None),
    train=train_section(batch_size=128, epochs=200, every=1000),
  )


def evaluation_classifier_section(dataset: str) -> ClassifierSection:
  """The CNN that labels generated digits; trained on `long_tail_mnist/full` it is 99 % accurate.

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
  """The ResNet-50 that labels generated 64x64 images (§4.2 of Elastic-InfoGAN's supplement).

  The paper prints none of its other values: these are those of the ResNet-32.
  """
  return changed(classifier_section(dataset, drw=False), {'algorithm.network': 'resnet50'})


def vggface2_section(dataset: str) -> ClassifierSection:
  """ResNet-50 of VGGFace2 with a new head, fine-tuned; images are resized to its 224x224.

  §4.3 of Elastic-InfoGAN's supplement says only that the network was pretrained on VGGFace2: rate,
  epochs, and the crops and mirror images before the resize are this project's. It does not say
  which of the released weights either, `resnet50_ft` or `resnet50_scratch`: the command names their
  file with `algorithm.weights`, see `jaxgan.networks.vggface2`.
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


def with_focal_loss(section, num_images: int) -> ClassifierSection:
  """A ResNet-32 that is trained as in the authors' released code for CIFAR-10 and LSUN.

  That is LDAM-DRW's focal loss with γ = 1, and the checkpoint of the epoch with the best validation
  accuracy. The paper, which names DRW alone, contradicts neither.

  Args:
    section: of a classifier or annotator; its re-weighting stays.
    num_images: that it is trained on.
  """
  every = num_images // section.train.batch_size  # After each epoch.
  changes = {'algorithm.loss': 'focal', 'checkpoint': 'best', 'train.evaluate_every': every}
  return changed(section, changes)


def shortened_classifier(section):
  """A ResNet of 8 layers, trained for a tenth of the epochs: for a first look."""
  return changed(
    section,
    {
      'algorithm.depth': 8,
      'algorithm.warmup_epochs': 1,
      'algorithm.decay_epochs': (16, 18),
      'algorithm.drw_epoch': None if section.algorithm.drw_epoch is None else 16,
      'train': train_section(batch_size=32, epochs=20, every=1000),
    },
  )


def few_labels_classifier_section(dataset: str, num_labels: int, flip: bool = True):
  """BiT-M R50x1, pretrained on ImageNet-21k and fine-tuned on all of a few labelled images.

  The rule of "Big Transfer" for small data (its notebook big_transfer_pytorch, which the paper
  followed, §6.4.3): 500 steps of SGD without weight decay, 100 of them warm-up. There a batch is
  512 draws from the labelled images; here it is each of them once, so that an epoch is a step.

  Args:
    dataset: the labelled images.
    num_labels: how many.
    flip: mirror images at random.

  Returns:
    The section; its `algorithm.weights` is left to whoever starts the experiment.
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


# c_k at the start of the first cycle on CIFAR-10 and LSUN, in the authors' released code; the paper
# is silent. There batch x cycle / K is 51,200 or more: scale it for other lengths.
PUBLISHED_CYCLE_START = 512.0

# λ of a classifier of few labels by imbalance ratio, the same on CIFAR-10 and LSUN (§6.4.3).
FEW_LABELS_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5}


def check_few_labels(argument: str, ratio: int) -> None:
  """Raises a UserError for an imbalance ratio that the paper has no semi-supervised row of."""
  if ratio not in FEW_LABELS_REGULARISER_WEIGHT:
    raise UserError(f'--config=...:{argument}: classifier=few_labels needs ratio=100 or ratio=10')


def train_section(batch_size: int, every: int, steps=None, epochs=None) -> TrainConfig:
  """Length and rhythm of a job; `every` sets evaluation, pictures and checkpoints, in steps."""
  return TrainConfig(
    batch_size=batch_size,
    steps=steps,
    epochs=epochs,
    evaluate_every=every,
    picture_every=every,
    checkpoint_every=every,
  )


def run_fields(experiment: str, method: str) -> dict:
  """What every experiment has beside its sections."""
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
  """SNDCGAN for 32x32 images with the hyper-parameters of the paper (Table 10) and its code.

  Classifiers are trained with the cross-entropy, and their last checkpoint is used. The classifier
  of the CAS always is: its best checkpoint would be chosen by the test images of the score.

  Args:
    experiment: name, also of the default work directory.
    method: one of `jaxgan.algorithms.gan_methods.METHODS`; all else is the same for all of them.
    classifier_data: the long-tailed data set that GAN and classifier are trained on.
    annotator_data: the balanced data set that the annotator is trained on.
    flip: mirror the images that classifier, annotator and the classifier of the CAS are trained on.
    classifier: the section of another classifier in the loop than one of the GAN's own data.
    gan_flip: mirror the images that the GAN is trained on; the authors' released code does not.

  Returns:
    The Experiment; `published` is left for the experiment to fill.
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
      # Trained on generated images; of its data it reads the test split.
      'cas': Training(data=cas.data, algorithm=cas.algorithm, train=cas.train),
    }
  )


def for_each_role(config, change: Callable) -> dict:
  """{role: `change(section)`} of the classifiers of an experiment, for `changed`."""
  roles = ('classifier', 'annotator', 'cas')
  return {role: change(own) for role in roles if (own := getattr(config, role))}


# Images as often and as many as the authors drew for the tables of the paper, whose ± is of three
# re-samplings of one checkpoint, and its CAS of 100,000 images (authors' released code; the paper
# prints neither number).
EVALUATED_AS_PUBLISHED = {'evaluation.resamplings': 3, 'evaluation.cas_images': 100_000}
