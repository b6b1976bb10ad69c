"""Sections that the experiments with codes share: InfoGANs, JointVAE, and recognisers."""

from typing import Any

from experiments import base
from jaxgan.algorithms import infogan
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from jaxgan.algorithms.joint_vae import JointVaeConfig
from jaxgan.config.overrides import changed
from jaxgan.data.config import DataConfig
from jaxgan.runs import families
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.families import codes
from jaxgan.training.config import ClassifierSection


def codes_config(
  experiment: str, method: str, dataset: str | None, annotator: ClassifierSection | None
) -> Experiment:
  """Builds Elastic-InfoGAN on MNIST with the hyper-parameters of the paper (§4) and its code.

  Args:
    experiment: the name, also of the default work directory.
    method: one of `jaxgan.runs.families.codes.METHODS`.
    dataset: the training images; their labels are for evaluation only.
    annotator: the section of the classifier for evaluation.

  Returns:
    The Experiment.
  """
  if method == codes.JOINT_VAE:
    algorithm = JointVaeConfig()
  else:
    prior, contrastive = infogan.VARIANTS[method]
    algorithm = InfoGanConfig(prior=prior, contrastive=contrastive)
  return families.experiment(
    {
      **base.run_fields(experiment, method),
      'data': DataConfig(dataset=dataset),
      'algorithm': algorithm,
      'train': base.train_section(batch_size=64, epochs=200, every=5000),
      'evaluation': codes.CodesEvaluation(),
      'annotator': annotator,
    }
  )


def views(config: Experiment, views: str) -> dict:
  """Returns the changes for the positive pair of the paper or of the released code, for digits.

  'paper' (§4): rotation U(-10°, 10°) and zoom, without a crop. 'released', which made the paper's
  tables: rotation by whole degrees up to 20 with Augmentor's crop, and zoom, see
  `augment.augmentor_affine`. Both zoom by 0.9 to 1.1. JointVAE has no positive pair.
  """
  if config.methods == (codes.JOINT_VAE,):
    return {}
  degrees = {'paper': 10.0, 'released': 20.0}[views]
  return {'algorithm.views': views, 'algorithm.rotation_degrees': degrees}


def with_recogniser(config: Experiment) -> Experiment:
  """Adds a recogniser to an experiment with a GAN: Elastic-InfoGAN's Q, trained without labels.

  The section `recogniser` is an experiment on the same images, trained in the folder `recogniser`
  of the work directory. `algorithm.num_categories` is the number of codes.
  """
  own = codes_config(config.experiment, 'elastic_infogan', dataset=None, annotator=None)
  return families.experiment({**dict(config), 'recogniser': changed(own, {'workdir': ''})})


def shortened(config: Experiment) -> Experiment:
  """Shortens to 2,000 steps, and a quarter of the width for 64x64 images: a first look on a CPU.

  The work directory gets the suffix `_quick`; `base.shortened_classifier` shortens the annotator.
  """
  changes: dict[str, Any] = {
    'train': base.train_section(config.train.batch_size, steps=2000, every=500, preview=True)
  }
  if config.workdir:  # A recogniser uses the work directory of its experiment.
    changes['workdir'] = f'{config.workdir}_quick'
  if config.algorithm.network != 'mnist':
    changes['algorithm.width'] = 16
  if config.methods == (codes.JOINT_VAE,):
    changes['algorithm.capacity_steps'] = 0.5
  return changed(config, changes)


def with_stackgan(config: Experiment, network: str = 'stackgan') -> Experiment:
  """Changes an experiment to the networks and lengths of the paper's 64x64 images (§4.2).

  The positive pair is rotated, mirrored and cropped as for 3D Cars, 3D Chairs and ShapeNet (§4).
  The capacities of joint_vae follow Dupont's released model of 64x64 chairs: C_z rises to 30 and
  C_c to min(5, log k) in 100,000 steps. A shorter run of t steps ends at t / 100,000 of 30 and of
  5; `--config.algorithm.capacity_steps=STEPS` shortens the rise.

  Args:
    config: the result of `codes_config`.
    network: 'stackgan' or 'stackgan_two_stage'.

  Returns:
    The Experiment.
  """
  changes = {'network': network}
  if config.methods == (codes.JOINT_VAE,):
    changes |= {'latent_dim': 32, 'continuous_capacity': 30.0, 'capacity_steps': 100_000}
  else:
    changes |= {
      'noise_dim': 100,
      'views': 'paper',
      'rotation_degrees': 10.0,
      'zoom_range': (1.0, 1.0),
      'crop_keep': 0.95,
      'flip': True,
    }
  changes = {f'algorithm.{name}': value for name, value in changes.items()}
  return changed(config, {**changes, 'train.batch_size': 50, 'train.epochs': 600})
