"""Elastic-InfoGAN on your own images, with or without labels.

    jaxgan train --config=experiments/elastic_infogan_folder.py:length=quick \
        --config.data.source=PATH --config.algorithm.num_categories=10
    jaxgan train --config=experiments/elastic_infogan_folder.py --config.data.source=PATH \
        --config.data.options.image_size=32 --config.algorithm.num_categories=10

PATH is a folder of images, a folder with one sub-folder of images a class, or one .npz with
`images` and perhaps `labels`. Labels are used for evaluation only: then a ResNet-32 is trained on
them to label the generated images, and `num_categories` may be left out. Without labels there is
no NMI; the code grid, the prior and the nearest neighbours show what the codes mean.

    experiments/elastic_infogan_folder.py:method=uniform_infogan     a baseline, same work directory
    experiments/elastic_infogan_folder.py:network=stackgan           64x64 images, on an accelerator

The networks are those of the paper's MNIST experiment; images are squares of a multiple of 4. With
`network=stackgan` they are those of its 64x64 images, with `network=stackgan_two_stage` those of
its faces; images become 64 pixels a side, their positive pairs are mirrored and cropped, too, and
the work directory is one of its own. `length=quick` is a first look: few steps, labels by a small
ResNet, in a work directory of its own; minutes on a CPU with the networks of MNIST, longer with a
stackgan of a quarter of its width.
"""

from experiments import base, base_codes
from experiments.mnist_lt import METHODS
from jaxgan.config.overrides import changed
from jaxgan.networks import infogans
from jaxgan.runs.experiment import Experiment

NETWORKS = tuple(infogans.NETWORKS)


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=... as in `mnist_lt`, network=..., length=...."""
  chosen = base.parse_argument(argument, method=METHODS, network=NETWORKS, length=('full', 'quick'))
  config = base_codes.codes_config(
    experiment='elastic_infogan_folder',
    method=chosen.method,
    dataset='long_tail_folder',
    annotator=base.classifier_section('long_tail_folder', drw=True, flip=False),
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
