"""A balanced generator of your own images without any label.

    jaxgan train --config=experiments/label_free_folder.py:length=quick \
        --config.data.source=PATH --config.algorithm.num_categories=10
    jaxgan train --config=experiments/label_free_folder.py --config.data.source=PATH \
        --config.data.options.image_size=32 --config.algorithm.num_categories=10

PATH is a folder of images, or one .npz with `images`. Elastic-InfoGAN first sorts the images into
`num_categories` codes; then its recognition network Q, frozen, is the classifier in the loop of the
class-balancing GAN, which makes images of every code equally often. Look at
`recogniser/elastic_infogan/code_grid.png` before you trust the codes, because the GAN balances
whatever they mean. `--config.recogniser.folder=runs/elastic_infogan_folder/elastic_infogan` uses a
run of `elastic_infogan_folder` on the same images instead of training one.

    experiments/label_free_folder.py:method=unconditional     the baseline, same work directory

Without labels, Q counts the codes of the generated images, and Q's features measure their distance
from real images. Labels, if there are any (class folders, `labels` in the .npz), are used for
evaluation only, as in `mnist_lt_balanced`. Images are squares of 16, 28, 32, 64, ... pixels: a
multiple of 4 that is 4, 5, 6 or 7 times a power of two. The GAN's images are not mirrored, for text
and digits; `--config.data.flip=True` mirrors them at random. `length=quick` is a first look on a
CPU, in another work directory: small networks and few steps.
"""

from typing import Any

from experiments import base, base_codes, folder_lt
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=... and length=full|quick."""
  chosen = base.parse_argument(
    argument, method=('code_balancing', 'unconditional'), length=('full', 'quick')
  )
  config = base.gan_config(
    experiment='label_free_folder',
    method=chosen.method,
    classifier_data='long_tail_folder',
    annotator_data='long_tail_folder',
    flip=False,
  )
  changes = {
    'evaluation.samples': 10_000,
    'evaluation.checkpoint': 'latest',
    **base.SCHEDULE_OF_THE_PAPER,
    **base.for_each_role(config, base.proportional_classifier),
  }
  config: Any = changed(config, changes)
  config: Any = base_codes.with_recogniser(config)
  own = changed(config.recogniser, base_codes.views(config.recogniser, 'paper'))
  if chosen.length == 'quick':
    config, own = folder_lt.shortened(config), base_codes.shortened(own)
    config = changed(config, base.for_each_role(config, base.shortened_classifier))
  drw_epoch = config.classifier.algorithm.drw_epoch
  return changed(config, {'recogniser': own, 'annotator.algorithm.drw_epoch': drw_epoch})
