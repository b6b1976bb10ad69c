"""What the experiments share: the sections of a configuration and the paper's values for them.

Every experiment file has a `get_config(argument)` that changes these values where its row of the
paper (or its smaller data) differs. All fields can be changed on the command line, such as
`--config.train.batch_size=64`.
"""

import ml_collections
from ml_collections import config_dict

from jaxgan.errors import UserError


def parse_argument(argument: str, **allowed):
  """Reads the part of `--config=file.py:key=value,...` after the colon.

  Args:
    argument: comma-separated `key=value` pairs; may be empty.
    **allowed: for each key the allowed values; the first is the default.

  Returns:
    ConfigDict of one value a key.

  Raises:
    UserError: an unknown key or value.
  """
  values = {key: choices[0] for key, choices in allowed.items()}
  for pair in filter(None, argument.split(',')):
    key, _, text = pair.partition('=')
    choices = {str(choice): choice for choice in allowed.get(key, ())}
    if text not in choices:
      known = ', '.join(f'{k}={"|".join(map(str, v))}' for k, v in allowed.items())
      raise UserError(f'--config=...:{argument}: {pair!r} is not possible: use {known}')
    values[key] = choices[text]
  return ml_collections.ConfigDict(values)


def data_section(dataset: str, flip: bool, crop_padding: int = 0) -> ml_collections.ConfigDict:
  """Which data set, where its source files and its prepared form are, and how it is augmented."""
  return ml_collections.ConfigDict(
    {
      'dataset': dataset,
      'source': '',  # a path to original files, for data sets that are not downloaded
      'data_dir': '',  # prepared data sets; '' is $TFDS_DATA_DIR or ~/tensorflow_datasets
      'options': {  # of long_tail_folder
        'imbalance_ratio': config_dict.placeholder(float),
        'image_size': config_dict.placeholder(int),
      },
      'flip': flip,
      'crop_padding': crop_padding,
    }
  )


def classifier_section(dataset: str, drw: bool, flip: bool = True) -> ml_collections.ConfigDict:
  """ResNet-32 by the protocol of Cao et al. 2019; `drw` re-weights the classes from epoch 160."""
  return ml_collections.ConfigDict(
    {
      'folder': '',  # a trained classifier's folder, instead of training one
      'data': data_section(dataset, flip, crop_padding=4),
      'algorithm': {
        'depth': 32,
        'width': 16,
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


def train_section(batch_size: int, every: int, steps=None, epochs=None):
  """Length and rhythm of a job; `every` sets evaluation, pictures and checkpoints, in steps."""
  length = {'steps': config_dict.placeholder(int), 'epochs': config_dict.placeholder(int)}
  section = ml_collections.ConfigDict(
    {
      'batch_size': batch_size,
      **length,
      'log_every': 100,
      'evaluate_every': every,
      'picture_every': every,
      'checkpoint_every': every,
      'keep': 2,  # latest checkpoints that stay, besides the best
      'resume': True,
    }
  )
  section.steps, section.epochs = steps, epochs
  return section


def gan_config(experiment: str, method: str, classifier_data: str, annotator_data: str, flip: bool):
  """SNDCGAN for 32x32 images with the hyper-parameters of the paper (Table 10) and its code.

  Args:
    experiment: name, also of the default work directory.
    method: 'class_balancing' or 'unconditional'; all else is the same for both.
    classifier_data: the long-tailed data set that GAN and classifier are trained on.
    annotator_data: the balanced data set that the annotator is trained on.
    flip: mirror images at random.

  Returns:
    The ConfigDict; `published` is left for the experiment to fill.
  """
  config = ml_collections.ConfigDict(
    {
      'experiment': experiment,
      'methods': (method,),
      'seed': 0,
      'published': ml_collections.ConfigDict(),  # method -> row of published_results.json
      'data': data_section(classifier_data, flip),
      'algorithm': {
        'loss': 'relativistic',
        'generator_width': 64,
        'discriminator_width': 64,
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
        'count_start': 50.0,
        'count_decay': 0.5,  # α
        'count_cycle': 2000,
        'dtype': 'float32',
      },
      'train': train_section(batch_size=256, steps=100_000, every=2000),
      'evaluation': {
        'samples': 50_000,
        'periodic_samples': 10_000,
        'batch_size': 256,
        'checkpoint': 'best',
        'inception_weights': '',  # the file or its folder
        'download_inception': False,
      },
      'classifier': classifier_section(classifier_data, drw=True, flip=flip),
      'annotator': classifier_section(annotator_data, drw=False, flip=flip),
    }
  )
  # One value on the command line reaches every job.
  for role in ('classifier', 'annotator'):
    data = config[role].data
    data.source = config.data.get_ref('source')
    data.data_dir = config.data.get_ref('data_dir')
    data.options.image_size = config.data.options.get_ref('image_size')
  # The classifier sees the same long-tailed images as the GAN, the annotator all of them.
  ratio = config.data.options.get_ref('imbalance_ratio')
  config.classifier.data.options.imbalance_ratio = ratio
  return config
