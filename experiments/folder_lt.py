"""Class Balancing GAN on your own images.

    python -m jaxgan.main --config=experiments/folder_lt.py --config.data.source=PATH \
        --config.data.options.image_size=32

PATH is a folder with one sub-folder of images a class (or train/ and test/ folders of these), or
one .npz with `images` and `labels`. The images are taken as they are: a class that has fewer of
them is a tail class. `--config.data.options.imbalance_ratio=100` makes balanced data long-tailed.

    experiments/folder_lt.py:method=unconditional      the baseline, in the same work directory

The settings are those of long-tailed CIFAR-10; the annotator, which only evaluates, is trained on
all images (before an imbalance ratio is applied), re-weighted as the classifier is.
"""

from experiments import base


def get_config(argument: str = ''):
  """The configuration; the argument takes method=class_balancing|unconditional."""
  chosen = base.parse_argument(argument, method=('class_balancing', 'unconditional'))
  config = base.gan_config(
    experiment='folder_lt',
    method=chosen.method,
    classifier_data='long_tail_folder',
    annotator_data='long_tail_folder',
    flip=True,
  )
  config.evaluation.samples = 10_000
  config.annotator.algorithm.drw_epoch = config.classifier.algorithm.drw_epoch
  return config
