"""iNaturalist-2019, long-tailed as it is: Class Balancing GAN and SNResGAN baselines (Table 4).

    jaxgan train --config=experiments/inaturalist2019.py --config.data.source=PATH
    jaxgan train --config=experiments/inaturalist2019.py:method=random_labels \
        --config.data.source=PATH
    jaxgan train --config=experiments/inaturalist2019.py:classifier=large \
        --config.data.source=PATH

PATH is the folder of the competition's JSON files and images. Published (FID / KL of the
classifier's labels from uniform):

| method                                   | FID   | KL   |
|------------------------------------------|-------|------|
| random_labels: the unconditional network | 13.03 | 1.33 |
| acgan                                    | 47.15 | 1.80 |
| cgan                                     | 21.53 | 1.47 |
| class_balancing_conditional              | 9.01  | 0.60 |

Mirroring, re-samplings and the number of images of the CAS are as in `cifar10_lt`.

The labels of class_balancing_conditional are drawn with weight ∝ 1 / N_k in the generator's step
and uniformly in the discriminator's, as in the authors' released code (there commented out);
`--config.algorithm.effective_labels=both_steps` draws them so in both. `acgan_pretrained`, which
the paper finds to collapse (§6.6), is in no table; its loss has the released weight 0.5.

Settings of this data set only (§6.5.2, Table 12): every batch norm of the generator is
conditional, the generator has spectral norm, too, 200,000 steps, and statistics of every step with
α = 0.995. FID compares with 16 training images of each species, as the paper does.

The statistics are updated in the convex form of Eq. 5 with its floor of 1, as in the released code.
A batch of 256 holds a quarter of an image per class, so N_k falls from 50 to the floor after about
840 steps and stays there for every class with less than four times its even share: the regulariser
then weights those classes alike, and labels are drawn alike. `--config.algorithm.count_update=
additive --workdir=...` sums instead, as Eq. 5's other form: N_k is about 256 / 1010 / 0.005 = 50 at
balance.

There are no balanced training images: the classifier, which has no re-weighting here, is the
annotator, too (published accuracy 46.90 %). It is a ResNet-32 that reads images resized bilinearly
to 224x224 and normalised, as in the released code, with the cross-entropy and its last checkpoint.
How it was trained is not public. By default (`classifier=resized`) it is trained on the 64x64
images, cropped and mirrored at random and then resized, as the GAN's are. `classifier=large`, in
its own work directory, trains it on 224x224 images, which are 40 GB before compression and are read
from the disk (`--config.classifier.data.streaming=False` holds them in memory; give the annotator,
the same network, the same value). The GAN and its distances have 64x64 images either way.

At 224x224 an image costs the network 3.4 billion multiplications, 12 times as many as at 64x64: in
the GAN's loop, forward and backward, 3.5 TFLOP and an estimated 17 GB of memory for a batch of 256.
The classifier of the CAS, which the paper does not print here, reads 64x64 images as they are.
"""

from experiments import base
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

METHODS = {  # and their published names
  'class_balancing_conditional': 'class_balancing',
  'random_labels': 'snresgan',
  'acgan': 'acgan',
  'cgan': 'cgan',
  'acgan_pretrained': None,
}
ARGUMENTS = {'method': tuple(METHODS), 'classifier': ('resized', 'large')}
_CLASSIFIER_INPUT = {
  'algorithm.input_size': 224,
  'algorithm.input_mean': (0.466, 0.471, 0.380),
  'algorithm.input_std': (0.195, 0.194, 0.192),
}


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=... and classifier=resized|large."""
  chosen = base.parse_argument(argument, **ARGUMENTS)
  data, large = 'inaturalist2019', chosen.classifier == 'large'
  config = base.gan_config(
    experiment=f'{data}_classifier_large' if large else data,
    method=chosen.method,
    classifier_data=data,
    annotator_data=data,
    flip=True,
    classifier=base.classifier_section(data, drw=False),
  )
  # One network. A padding of 14 is 4 of 64 pixels.
  of_large = {'data.dataset': f'{data}/224', 'data.streaming': True, 'data.crop_padding': 14}
  of_both = _CLASSIFIER_INPUT | (of_large if large else {})
  return changed(
    config,
    {
      **base.EVALUATED_AS_PUBLISHED,
      **{f'{r}.{name}': v for r in ('classifier', 'annotator') for name, v in of_both.items()},
      'algorithm.network': 'snresgan',
      'algorithm.generator_spectral_norm': True,
      'algorithm.beta1': 0.0,
      'algorithm.regulariser_weight': 0.5,
      'algorithm.classifier_loss_weight': 0.5,
      'algorithm.count_decay': 0.995,
      'algorithm.count_cycle': 1,
      'train.steps': 200_000,
      'published': {
        method: f'class_balancing_gan.inaturalist2019.{name}'
        for method, name in METHODS.items()
        if name
      },
    },
  )
