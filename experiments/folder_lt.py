"""Class Balancing GAN on your own images.

    jaxgan train --config=experiments/folder_lt.py:length=quick --config.data.source=PATH
    jaxgan train --config=experiments/folder_lt.py --config.data.source=PATH \
        --config.data.options.image_size=32

PATH is a folder or .zip with one sub-folder of images per class (or train/ and test/ folders of
these), or with a labels file (see `data_prep.label_files`); one .npz with `images` and `labels`; or
Arrow or Parquet files. The images are taken as they are: a class with fewer images is a tail
class. `--config.data.options.imbalance_ratio=100` makes balanced data long-tailed.

    experiments/folder_lt.py:method=unconditional      the baseline, in the same work directory
    experiments/folder_lt.py:method=both               class balancing and this baseline
    experiments/folder_lt.py:method=all                also ACGAN, cGAN, ACGAN with the pre-trained
                                                       classifier, and class-balanced batches

The settings are as for long-tailed CIFAR-10, except that the classifiers have the cross-entropy and
the last checkpoint, and that the GAN's images are mirrored at random, too. This suits most
photographs; `--config.data.flip=False` turns it off. `length=quick` is a first look within minutes
on a CPU, in another work directory: small networks of the same families, few steps, and the
baseline beside class balancing.

The annotator, for evaluation only, is another network than the classifier in the loop: another
seed, and class-balanced batches instead of re-weighted classes. Where every class has 100 training
images, the classifier is trained on one half of each class and the annotator on the other;
otherwise both see all. With an imbalance ratio the annotator sees all images before the ratio is
applied. `--config.annotator.folder=WORKDIR/classifier` makes the two one network.
"""

from typing import Any

from experiments import base, fashion_lt
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=both|all|... and length=full|quick."""
  several = {'both': fashion_lt.METHODS, 'all': fashion_lt.ALL}
  default = 'both' if 'length=quick' in argument.split(',') else 'class_balancing'
  methods = dict.fromkeys((default, *several, *fashion_lt.LABELLED))
  chosen = base.parse_argument(argument, method=tuple(methods), length=('full', 'quick'))
  config = base.gan_config(
    experiment='folder_lt',
    method='class_balancing',
    classifier_data='long_tail_folder',
    annotator_data='long_tail_folder',
    flip=True,
    gan_flip=True,
  )
  config: Any = changed(
    config,
    {
      'evaluation.samples': 10_000,
      'methods': several.get(chosen.method, (chosen.method,)),
      **base.SCHEDULE_OF_THE_PAPER,
      **base.for_each_role(config, base.proportional_classifier),
    },
  )
  if chosen.length == 'quick':
    config = shortened(config)
    config = changed(config, base.for_each_role(config, base.shortened_classifier))
  # The annotator judges what the classifier has steered: it must be another network.
  return changed(
    config,
    {
      'classifier.half': 'first',
      'annotator.half': 'second',
      'annotator.seed_offset': 1,
      'annotator.algorithm.batches': 'class_balanced',
    },
  )


def shortened(config: Experiment) -> Experiment:
  """Changes to small networks and few steps; the schedules keep the paper's proportions.

  The work directory gets the suffix `_quick`; `base.shortened_classifier` shortens classifiers.
  """
  return changed(
    config,
    {
      'workdir': f'{config.workdir}_quick',
      'algorithm.generator_width': 32,
      'algorithm.discriminator_width': 16,
      'algorithm.learning_rate': 1e-3,
      **base.SCHEDULE_OF_THE_PAPER,
      'algorithm.ema_decay': 0.99,
      'train': base.train_section(batch_size=32, steps=2000, every=500, preview=True),
      'evaluation.samples': 5000,
      'evaluation.periodic_samples': 1000,
      'evaluation.checkpoint': 'latest',
    },
  )
