"""A balanced generator of your own images without any label.

    python -m jaxgan.main --config=experiments/label_free_folder.py:length=quick \
        --config.data.source=PATH --config.algorithm.num_categories=10
    python -m jaxgan.main --config=experiments/label_free_folder.py --config.data.source=PATH \
        --config.data.options.image_size=32 --config.algorithm.num_categories=10

PATH is a folder of images, or one .npz with `images`. Elastic-InfoGAN first sorts the images into
`num_categories` codes; then its recognition network Q, frozen, is the classifier in the loop of the
class-balancing GAN, which makes images of every code equally often. Look at
`recogniser/elastic_infogan/code_grid.png` before you trust the codes: what they mean is what is
balanced. `--config.recogniser.folder=runs/elastic_infogan_folder/elastic_infogan` takes a run of
`elastic_infogan_folder` on the same images instead of training one.

    experiments/label_free_folder.py:method=unconditional     the baseline, same work directory

Without labels, Q counts the codes of the generated images, and their distance from real ones is
that in Q's features. Labels, if there are any (class folders, `labels` in the .npz), are used for
evaluation only, as in `mnist_lt_balanced`. Images are squares of 16, 28, 32, 64, ... pixels: a
multiple of 4 that is 4, 5, 6 or 7 times a power of two. The GAN's are not mirrored, as text and
digits must not be: `--config.data.flip=True` mirrors them at random.
`length=quick` is a first look on a CPU:
small networks and few steps, in a work directory of its own.
"""

from experiments import base, base_codes
from experiments.folder_lt import shorten


def get_config(argument: str = ''):
  """The configuration; the argument takes method=... and length=full|quick."""
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
  config.evaluation.update(samples=10_000, checkpoint='latest')
  base_codes.add_recogniser(config)
  base_codes.set_views(config.recogniser, 'paper')
  if chosen.length == 'quick':
    shorten(config)
    base_codes.shorten_codes(config.recogniser)
    for section in (config.classifier, config.annotator, config.cas):
      base.shorten_classifier(section)
  config.annotator.algorithm.drw_epoch = config.classifier.algorithm.drw_epoch
  return config
