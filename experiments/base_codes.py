"""What the experiments on codes share: InfoGANs, JointVAE, and the recogniser of a GAN."""

import ml_collections
from ml_collections import config_dict

from experiments import base
from jaxgan.algorithms import infogan


def codes_config(experiment: str, method: str, dataset: str, annotator):
  """Elastic-InfoGAN on MNIST with the hyper-parameters of the paper (§4) and its released code.

  Args:
    experiment: name, also of the default work directory.
    method: one of `jaxgan.families.codes.METHODS`.
    dataset: what is trained on; its labels are for evaluation only.
    annotator: the section of the evaluation classifier.

  Returns:
    The ConfigDict.
  """
  optimizer = {
    'learning_rate': 2e-4,
    'beta1': 0.5,
    'beta2': 0.999,
    'epsilon': 1e-8,
    'dtype': 'float32',
    'network': 'mnist',  # or 'stackgan', 'stackgan_two_stage': for images of 64x64 pixels
    'width': 64,  # of stackgan and stackgan_two_stage; that of mnist is fixed
    'num_categories': config_dict.placeholder(int),  # k; none: as many as there are classes
  }
  if method == 'joint_vae':
    algorithm = {
      'latent_dim': 10,
      'temperature': 0.67,
      'beta_continuous': 30.0,  # of 10, 20, 30, 40, 50; the paper does not say which is its best
      'beta_discrete': 30.0,
      'continuous_capacity': 5.0,  # last C_z, in nats
      'discrete_capacity': 5.0,  # last C_c, in nats; at most log k
      'capacity_steps': 25_000,
    }
  else:
    prior, contrastive = infogan.VARIANTS[method]
    algorithm = {
      'prior': prior,
      'contrastive': contrastive,
      'trunk': 'discriminator',  # or 'both': the joint step trains the shared trunk, too
      'noise_dim': 62,
      'num_continuous': 0,  # r, continuous codes beside the category
      'temperature': 0.1,  # τ of Gumbel-Softmax
      'hard_codes': True,  # target of the mutual information: argmax c, or c itself
      'mutual_information_weight': 1.0,  # λ1
      'contrastive_weight': 10.0,  # λ2
      'contrastive_temperature': 1.0,  # τ'
      'positive_loss': 'agreement',  # of gumbel_softmax_pos; or 'cosine': half of NT-Xent
      'views': 'released',  # the positive pair's geometry, see `set_views`; or 'paper'
      'rotation_degrees': 20.0,
      'zoom_range': (0.9, 1.1),
      'crop_keep': 1.0,  # share that stays; 1 / 1.1 scales by 1.1 and crops the old size
      'crop_of': 'side',  # crop_keep is a share of each side; or 'area'
      'flip': False,
      'gamma_range': (1.0, 1.0),
      'prior_losses': 'all',  # or 'adversarial': whose gradients reach a learned prior
      'prior_entropy_weight': 0.0,  # of + H(c); 1.0 is Eq. 1's, the released code leaves it out
      'prior_start': config_dict.placeholder(tuple),  # k frequencies; none: uniform
      'ema_decay': 0.0,  # of the evaluated generator's average; 0: none; StackGAN-v2's has 0.999
    }
  config = ml_collections.ConfigDict(
    {
      **base.run_fields(experiment, method),
      'published': config_dict.placeholder(str),  # column of the paper's tables
      'data': base.data_section(dataset, flip=False),
      'algorithm': {**algorithm, **optimizer},
      'train': base.train_section(batch_size=64, epochs=200, every=5000),
      'evaluation': {
        'images_per_code': 1000,
        'periodic_images_per_code': 100,
        'batch_size': 500,
        'checkpoint': 'latest',
      },
      'annotator': annotator,
    }
  )
  if method != 'joint_vae':
    # Of the prior's logits; follows learning_rate unless it is set.
    learning_rate = config.algorithm.get_oneway_ref('learning_rate')
    config.algorithm.prior_learning_rate = learning_rate
  for field in ('source', 'data_dir'):
    config.annotator.data[field] = config.data.get_ref(field)
  for option in ('image_size', 'background'):
    config.annotator.data.options[option] = config.data.options.get_ref(option)
  return config


def set_views(config, views: str) -> None:
  """Gives the positive pair of an experiment on digits the paper's views or the released code's.

  'paper' (§4): rotation U(-10°, 10°) and zoom, without a crop. 'released', which made the paper's
  tables: whole degrees up to 20 with Augmentor's crop, and zoom, see
  `jaxgan.augment.augmentor_affine`. Both zoom by 0.9 to 1.1. JointVAE has no positive pair.
  """
  if config.methods != ('joint_vae',):
    degrees = {'paper': 10.0, 'released': 20.0}[views]
    config.algorithm.update(views=views, rotation_degrees=degrees)


def add_recogniser(config) -> None:
  """Gives an experiment on a GAN a recogniser: Elastic-InfoGAN's Q, found without labels.

  Its section `recogniser` is an experiment on the same images; where it is trained it has the work
  directory `recogniser` beside the methods. `algorithm.num_categories` says how many codes.
  """
  dataset, unused = config.data.dataset, base.classifier_section('', drw=False)
  own = codes_config(config.experiment, 'elastic_infogan', dataset, unused)
  del own['workdir']
  own.folder = ''  # of a run that is there, as runs/mnist_lt_split_00/elastic_infogan
  own.annotator = config.annotator  # Judges the codes, too.
  own.seed = config.get_ref('seed')
  for field in ('dataset', 'source', 'data_dir', 'streaming'):
    own.data[field] = config.data.get_ref(field)
  for field in ('image_size', 'imbalance_ratio', 'background'):
    own.data.options[field] = config.data.options.get_ref(field)
  config.algorithm.num_categories = own.algorithm.get_ref('num_categories')
  config.recogniser = own


def shorten_codes(config) -> None:
  """2,000 steps, on 64x64 images of networks of a quarter of the width, for a first look on a CPU.

  The work directory is one of its own; the annotator is left to `base.shorten_classifier`.
  """
  if 'workdir' in config:  # A recogniser has that of its experiment.
    config.workdir = f'{config.workdir}_quick'
  config.train = base.train_section(config.train.batch_size, steps=2000, every=500)
  if config.algorithm.network != 'mnist':
    config.algorithm.width = 16
  if config.methods == ('joint_vae',):
    config.algorithm.capacity_steps = 1000


def use_stackgan(config, network: str = 'stackgan') -> None:
  """Gives an experiment on codes the networks and lengths of the paper's 64x64 images (§4.2).

  Args:
    config: what `codes_config` returns; its positive pair is rotated, mirrored and cropped as that
      of 3D Cars, 3D Chairs and ShapeNet (§4).
    network: 'stackgan' or 'stackgan_two_stage'.

  The latents of joint_vae are those of Dupont's released model of 64x64 chairs: C_z rises to 30
  and C_c to min(5, log k) in 100,000 steps. A shorter run ends before: after t steps at t / 100,000
  of 30 and of 5. `--config.algorithm.capacity_steps=STEPS` lets it get there.
  """
  config.algorithm.network = network
  config.train.update(batch_size=50, epochs=600)
  if config.methods == ('joint_vae',):
    config.algorithm.update(latent_dim=32, continuous_capacity=30.0, capacity_steps=100_000)
    return
  config.algorithm.update(
    {
      'noise_dim': 100,
      'views': 'paper',
      'rotation_degrees': 10.0,
      'zoom_range': (1.0, 1.0),
      'crop_keep': 0.95,
      'flip': True,
    }
  )
