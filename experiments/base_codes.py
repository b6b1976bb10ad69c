"""What the experiments on codes share: InfoGANs, JointVAE, and the recogniser of a GAN."""

from experiments import base
from jaxgan.algorithms import infogan
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from jaxgan.algorithms.joint_vae import JointVaeConfig
from jaxgan.config.overrides import changed
from jaxgan.data.config import DataConfig
from jaxgan.runs import families
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.families import codes


def codes_config(experiment: str, method: str, dataset: str | None, annotator) -> Experiment:
  """Elastic-InfoGAN on MNIST with the hyper-parameters of the paper (§4) and its released code.

  Args:
    experiment: name, also of the default work directory.
    method: one of `jaxgan.runs.families.codes.METHODS`.
    dataset: what is trained on; its labels are for evaluation only.
    annotator: the section of the evaluation classifier.
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


def views(config, views: str) -> dict:
  """The changes that give an experiment on digits the paper's or the released code's positive pair.

  'paper' (§4): rotation U(-10°, 10°) and zoom, without a crop. 'released', which made the paper's
  tables: whole degrees up to 20 with Augmentor's crop, and zoom, see
  `augment.augmentor_affine`. Both zoom by 0.9 to 1.1. JointVAE has no positive pair.
  """
  if config.methods == (codes.JOINT_VAE,):
    return {}
  degrees = {'paper': 10.0, 'released': 20.0}[views]
  return {'algorithm.views': views, 'algorithm.rotation_degrees': degrees}


def with_recogniser(config) -> Experiment:
  """An experiment on a GAN with a recogniser: Elastic-InfoGAN's Q, found without labels.

  Its section `recogniser` is an experiment on the same images; where it is trained it has the work
  directory `recogniser` beside the methods. `algorithm.num_categories` says how many codes.
  """
  own = codes_config(config.experiment, 'elastic_infogan', dataset=None, annotator=None)
  return families.experiment({**dict(config), 'recogniser': changed(own, {'workdir': ''})})


def shortened(config) -> Experiment:
  """2,000 steps, on 64x64 images of networks of a quarter of the width, for a first look on a CPU.

  The work directory is one of its own; the annotator is left to `base.shortened_classifier`.
  """
  changes = {'train': base.train_section(config.train.batch_size, steps=2000, every=500)}
  if config.workdir:  # A recogniser has that of its experiment.
    changes['workdir'] = f'{config.workdir}_quick'
  if config.algorithm.network != 'mnist':
    changes['algorithm.width'] = 16
  if config.methods == (codes.JOINT_VAE,):
    changes['algorithm.capacity_steps'] = 1000
  return changed(config, changes)


def with_stackgan(config, network: str = 'stackgan') -> Experiment:
  """An experiment on codes with the networks and lengths of the paper's 64x64 images (§4.2).

  Args:
    config: what `codes_config` returns; its positive pair is rotated, mirrored and cropped as that
      of 3D Cars, 3D Chairs and ShapeNet (§4).
    network: 'stackgan' or 'stackgan_two_stage'.

  The latents of joint_vae are those of Dupont's released model of 64x64 chairs: C_z rises to 30
  and C_c to min(5, log k) in 100,000 steps. A shorter run ends before: after t steps at t / 100,000
  of 30 and of 5. `--config.algorithm.capacity_steps=STEPS` lets it get there.
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
