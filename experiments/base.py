"""What the experiments share: the sections of a configuration and the paper's values for them.

Every experiment file has a `get_config(argument)` that changes these values where its row of the
paper (or its smaller data) differs. All fields can be changed on the command line, such as
`--config.train.batch_size=64`.
"""

import ml_collections
from ml_collections import config_dict

from jaxgan.algorithms import regularisers
from jaxgan.errors import UserError
from jaxgan.networks import vggface2


def parse_argument(argument: str, **allowed):
  """Reads the part of `--config=file.py:key=value,...` after the colon.

  Args:
    argument: comma-separated `key=value` pairs; may be empty.
    **allowed: for each key the allowed values; the first is the default.

  Returns:
    ConfigDict of one value a key.

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
  return ml_collections.ConfigDict(values)


def data_section(dataset: str, flip: bool, crop_padding: int = 0) -> ml_collections.ConfigDict:
  """Which data set, where its source files and its prepared form are, and how it is augmented."""
  return ml_collections.ConfigDict(
    {
      'dataset': dataset,
      'source': '',  # a path to original files, for data sets that are not downloaded
      'data_dir': '',  # prepared data sets; '' is $TFDS_DATA_DIR or ~/tensorflow_datasets
      'options': {  # of long_tail_folder, and of long_tail_lsun
        'imbalance_ratio': config_dict.placeholder(float),
        'image_size': config_dict.placeholder(int),
        # Colour that transparent images are laid on, such as '#000000'; white if not given.
        'background': config_dict.placeholder(str),
        'picture': config_dict.placeholder(str),  # of long_tail_lsun: 'squash' or 'centre_crop'
      },
      # Read batches from the disk; none: where images fill more than half of the device's memory.
      'streaming': config_dict.placeholder(bool),
      'flip': flip,
      'crop_padding': crop_padding,
    }
  )


def classifier_section(dataset: str, drw: bool, flip: bool = True) -> ml_collections.ConfigDict:
  """ResNet-32 by the protocol of Cao et al. 2019; `drw` re-weights the classes from epoch 160."""
  return ml_collections.ConfigDict(
    {
      'folder': '',  # a trained classifier's folder, instead of training one
      'checkpoint': 'latest',  # or 'best' by the accuracy on its test split: which one is used
      'data': data_section(dataset, flip, crop_padding=4),
      'algorithm': {
        # 'mnist_cnn', 'resnet50', 'resnet50_vggface2' and 'bit_r50x1' have no depth and width.
        'network': 'resnet',
        'depth': 32,
        'width': 16,
        'input_size': config_dict.placeholder(int),  # resize to so many pixels a side; none: not
        # Per channel, of intensities in [0, 1]; none: the network reads images in [-1, 1].
        'input_mean': config_dict.placeholder(tuple),
        'input_std': config_dict.placeholder(tuple),
        'loss': 'cross_entropy',  # or 'focal'
        'focal_gamma': 1.0,  # γ, of focal
        'learning_rate': 0.1,
        'momentum': 0.9,
        'weight_decay': 2e-4,
        'warmup_epochs': 5,
        'decay_epochs': (160, 180),
        'drw_epoch': 160 if drw else config_dict.placeholder(int),
        'drw_beta': 0.9999,
        'dtype': 'float32',
      },
      'train': train_section(batch_size=128, epochs=200, every=1000),
    }
  )


def evaluation_classifier_section(dataset: str) -> ml_collections.ConfigDict:
  """The CNN that labels generated digits; trained on `long_tail_mnist/full` it is 99 % accurate.

  The paper prints none of these values.
  """
  section = classifier_section(dataset, drw=False, flip=False)
  section.data.crop_padding = 0
  section.algorithm.update(
    {
      'network': 'mnist_cnn',
      'learning_rate': 0.05,
      'weight_decay': 5e-4,
      'warmup_epochs': 0,
      'decay_epochs': (2,),
    }
  )
  section.train = train_section(batch_size=128, epochs=3, every=500)
  return section


def resnet50_section(dataset: str) -> ml_collections.ConfigDict:
  """The ResNet-50 that labels generated 64x64 images (§4.2 of Elastic-InfoGAN's supplement).

  The paper prints none of its other values: these are those of the ResNet-32.
  """
  section = classifier_section(dataset, drw=False)
  del section.algorithm['depth'], section.algorithm['width']
  section.algorithm.network = 'resnet50'
  return section


def vggface2_section(dataset: str) -> ml_collections.ConfigDict:
  """ResNet-50 of VGGFace2 with a new head, fine-tuned; images are resized to its 224x224.

  §4.3 of Elastic-InfoGAN's supplement says only that the network was pretrained on VGGFace2: rate,
  epochs, and the crops and mirror images before the resize are this project's. It does not say
  which of the released weights either, `resnet50_ft` or `resnet50_scratch`: the command names their
  file with `algorithm.weights`.
  """
  section = resnet50_section(dataset)
  section.algorithm.update(
    {
      'network': 'resnet50_vggface2',
      'weights': '',  # the path of resnet50_ft_dag.pth, see jaxgan.networks.vggface2
      'input_size': vggface2.INPUT_SIZE,
      'input_mean': vggface2.MEAN,
      'input_std': vggface2.STD,
      'learning_rate': 0.01,
      'warmup_epochs': 1,
      'decay_epochs': (10, 15),
      'decay_factor': 0.1,
    }
  )
  section.train = train_section(batch_size=128, epochs=20, every=500)
  return section


def use_focal_loss(section, num_images: int) -> None:
  """Trains a ResNet-32 as the authors' released code does for CIFAR-10 and LSUN.

  That is LDAM-DRW's focal loss with γ = 1, and the checkpoint of the epoch with the best validation
  accuracy. The paper, which names DRW alone, contradicts neither.

  Args:
    section: of a classifier or annotator; its re-weighting stays.
    num_images: that it is trained on.
  """
  section.algorithm.loss = 'focal'
  section.checkpoint = 'best'
  section.train.evaluate_every = num_images // section.train.batch_size  # After each epoch.


def shorten_classifier(section) -> None:
  """Makes a ResNet-32 one of 8 layers, trained for a tenth of the epochs: for a first look."""
  section.algorithm.update(depth=8, warmup_epochs=1, decay_epochs=(16, 18))
  if section.algorithm.drw_epoch is not None:
    section.algorithm.drw_epoch = 16
  section.train = train_section(batch_size=32, epochs=20, every=1000)


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
  section = classifier_section(dataset, drw=False, flip=flip)
  section.data.crop_padding = 0
  del section.algorithm['depth'], section.algorithm['width']
  section.algorithm.update(
    {
      'network': 'bit_r50x1',
      'weights': '',  # the path of BiT-M-R50x1.npz
      'input_size': 128,  # pixels a side that images are resized to
      'learning_rate': 0.003,
      'weight_decay': 0.0,
      'warmup_epochs': 100,
      'decay_epochs': (200, 300, 400),
      'decay_factor': 0.1,
    }
  )
  section.train = train_section(batch_size=num_labels, epochs=500, every=500)
  return section


# c_k at the start of the first cycle on CIFAR-10 and LSUN, in the authors' released code; the paper
# is silent. There batch x cycle / K is 51,200 or more: scale it for other lengths.
PUBLISHED_CYCLE_START = 512.0

# λ of a classifier of few labels by imbalance ratio, the same on CIFAR-10 and LSUN (§6.4.3).
FEW_LABELS_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5}


def check_few_labels(argument: str, ratio: int) -> None:
  """Raises a UserError for an imbalance ratio that the paper has no semi-supervised row of."""
  if ratio not in FEW_LABELS_REGULARISER_WEIGHT:
    raise UserError(f'--config=...:{argument}: classifier=few_labels needs ratio=100 or ratio=10')


def train_section(batch_size: int, every: int, steps=None, epochs=None):
  """Length and rhythm of a job; `every` sets evaluation, pictures and checkpoints, in steps.

  A number of steps comes before one of epochs.
  """
  length = {'steps': config_dict.placeholder(int), 'epochs': config_dict.placeholder(int)}
  section = ml_collections.ConfigDict(
    {
      'batch_size': batch_size,
      **length,
      'log_every': 100,
      'evaluate_every': every,
      'picture_every': every,
      'checkpoint_every': every,
      'preview': False,  # keep METHOD/progress.html, a page that shows how far the run is
      'keep': 2,  # latest checkpoints that stay, besides the best
      'resume': True,
    }
  )
  section.steps, section.epochs = steps, epochs
  return section


def run_fields(experiment: str, method: str) -> dict:
  """What every experiment has beside its sections."""
  return {
    'experiment': experiment,
    'workdir': f'runs/{experiment}',  # where --workdir does not say another
    'methods': (method,),
    'seed': 0,  # of replica 0, the next replica has the next seed
    'replicas': 1,
  }


def gan_config(
  experiment: str,
  method: str,
  classifier_data: str,
  annotator_data: str,
  flip: bool,
  classifier: ml_collections.ConfigDict | None = None,
  gan_flip: bool = False,
):
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
    The ConfigDict; `published` is left for the experiment to fill.
  """
  config = ml_collections.ConfigDict(
    {
      **run_fields(experiment, method),
      'published': ml_collections.ConfigDict(),  # method -> row of published_results.json
      'data': data_section(classifier_data, gan_flip),
      'algorithm': {
        'network': 'sndcgan',
        'loss': 'relativistic',
        'generator_width': 64,
        'discriminator_width': 64,
        'generator_spectral_norm': False,  # the discriminator always has it
        'noise_dim': 128,
        'learning_rate': 2e-4,
        'beta1': 0.5,
        'beta2': 0.999,
        'epsilon': 1e-6,
        'discriminator_steps': 1,
        'ema_decay': 0.9999,
        'ema_start': 20_000,
        'regulariser_weight': 10.0,  # λ
        'regulariser_weights': 'released',  # or 'paper': 1 / (K N̂), without an upper bound
        'class_loss_weight': 1.0,  # of the losses of acgan's class head
        'classifier_loss_weight': 1.0,  # of the classifier's loss in acgan_pretrained
        'effective_labels': 'generator_step',  # or 'both_steps': which draw labels ∝ 1/N_k
        'count_start': (50.0,),  # N of every class, or one for each
        'cycle_start': 0.0,  # c of every class in the first cycle; later ones start at 0
        'count_update': 'convex',  # or 'additive', Eq. 5's two forms, or 'held'
        'count_decay': 0.5,  # α
        'count_cycle': 2000,
        'dtype': 'float32',
        **regularisers.OFF,
      },
      'train': train_section(batch_size=256, steps=100_000, every=2000),
      'evaluation': {
        'samples': 50_000,
        'periodic_samples': 10_000,
        'batch_size': 256,
        'checkpoint': 'best',
        # Of the EMA generator's batch norm: 'recomputed', 'average' or 'generator'.
        'ema_statistics': 'recomputed',
        'inception_weights': '',  # the file or its folder
        'download_inception': False,
        # What generated images are compared with: 'held_out' or, of LSUN, 'released'.
        'reference': 'held_out',
        'resamplings': 1,  # of the last evaluation: so often, images are drawn from one checkpoint
        'cas': True,  # trains a classifier on generated images, in the last evaluation only
        'cas_images': config_dict.placeholder(int),  # how many; by default as for training
      },
      'classifier': classifier or classifier_section(classifier_data, drw=True, flip=flip),
      'annotator': classifier_section(annotator_data, drw=False, flip=flip),
      # Trained on generated images; of its data it reads the test split.
      'cas': classifier_section(classifier_data, drw=False, flip=flip),
    }
  )
  del config.cas['folder'], config.cas['checkpoint']
  # One value on the command line reaches every job.
  for role in ('classifier', 'annotator', 'cas'):
    data = config[role].data
    data.source = config.data.get_ref('source')
    data.data_dir = config.data.get_ref('data_dir')
    for option in ('image_size', 'background', 'picture'):
      data.options[option] = config.data.options.get_ref(option)
  # The classifier sees long-tailed images as the GAN does, the annotator all of them.
  for role in ('classifier', 'cas'):
    config[role].data.options.imbalance_ratio = config.data.options.get_ref('imbalance_ratio')
  return config


def evaluate_as_published(config) -> None:
  """Draws images as often and as many as the authors did for the tables of the paper.

  The paper's ± is of three re-samplings of one checkpoint, and its CAS of 100,000 images (authors'
  released code; the paper prints neither number).
  """
  config.evaluation.update(resamplings=3, cas_images=100_000)
