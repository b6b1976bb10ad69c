"""Elastic-InfoGAN on your own images, with or without labels.

    jaxgan train --config=experiments/elastic_infogan_folder.py:length=quick \
        --config.data.source=PATH --config.algorithm.num_categories=10
    jaxgan train --config=experiments/elastic_infogan_folder.py --config.data.source=PATH \
        --config.data.options.image_size=32 --config.algorithm.num_categories=10

PATH is a folder of images, a folder with one sub-folder of images per class, or one .npz with
`images` and perhaps `labels`. Labels are used for evaluation only: then a ResNet-32 is trained on
them to label the generated images, and `num_categories` may be left out. Without labels there is
no NMI; the code grid, the prior and the nearest neighbours show what the codes mean.

    experiments/elastic_infogan_folder.py:method=uniform_infogan     a baseline, same work directory
    experiments/elastic_infogan_folder.py:network=stackgan           64x64 images, on an accelerator

By default the networks are from the paper's MNIST experiment, and images are squares whose side is
a multiple of 4. `network=stackgan` has the networks for its 64x64 images and
`network=stackgan_two_stage` the networks for its faces: images are resized to 64x64, positive pairs
are also mirrored and cropped, and the work directory is another one. `length=quick` is a first look
in another work directory: few steps, and labels by a small ResNet. It takes minutes on a CPU with
the networks of MNIST, longer with a stackgan of a quarter of the width.
"""

from experiments import base, base_codes
from experiments.mnist_lt import METHODS
from jaxgan.config.overrides import changed
from jaxgan.networks import infogans
from jaxgan.runs.experiment import Experiment

NETWORKS = tuple(infogans.NETWORKS)


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=..., network=... and length=..."""
  chosen = base.parse_argument(argument, method=METHODS, network=NETWORKS, length=('full', 'quick'))
  config = base_codes.codes_config(
    experiment='elastic_infogan_folder',
    method=chosen.method,
    dataset='long_tail_folder',
    annotator=base.proportional_classifier(
      base.classifier_section('long_tail_folder', drw=True, flip=False)
    ),
  )
  if chosen.network != 'mnist':
    workdir = f'{config.workdir}_{chosen.network}'
    config = base_codes.with_stackgan(config, chosen.network)
    config = changed(config, {'workdir': workdir, 'data.options.image_size': 64})
  else:
    config = changed(config, base_codes.views(config, 'paper'))
  if chosen.length == 'quick':
    annotator = base.shortened_classifier(config.annotator)
    config = changed(base_codes.shortened(config), {'annotator': annotator})
  return config
