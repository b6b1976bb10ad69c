"""iNaturalist-2019, long-tailed as it is: Class Balancing GAN and SNResGAN baselines (Table 4).

    python -m jaxgan.main --config=experiments/inaturalist2019.py --config.data.source=PATH
    python -m jaxgan.main --config=experiments/inaturalist2019.py:method=random_labels \
        --config.data.source=PATH

PATH is the folder of the competition's JSON files and images. Published (FID / KL of the
classifier's labels from uniform):

| method                                   | FID   | KL   |
|------------------------------------------|-------|------|
| random_labels: the unconditional network | 13.03 | 1.33 |
| acgan                                    | 47.15 | 1.80 |
| cgan                                     | 21.53 | 1.47 |
| class_balancing_conditional              | 9.01  | 0.60 |

The labels of class_balancing_conditional are drawn with weight ∝ 1 / N_k in the generator's step
and uniformly in the discriminator's, as in the authors' released code (there commented out);
`--config.algorithm.effective_labels=both_steps` draws them so in both. `acgan_pretrained`, which
the paper finds to collapse (§6.6), is in no table; its loss has the released weight 0.5.

What the data set has to itself (§6.5.2, Table 12): every batch norm of the generator is
conditional, the generator has spectral norm, too, 200,000 steps, and statistics of every step with
α = 0.995. Those are summed, as in Eq. 5's first form: a batch of 256 holds a quarter of an image a
class, which the other form's floor of 1 would hide; summed, N_k is about 256 / 1010 / 0.005 = 50 at
balance, where it starts.
There are no balanced training images: the classifier, which has no re-weighting here, is the
annotator, too (published accuracy 46.90 %).
"""

from experiments import base

METHODS = {  # and their published names
  'class_balancing_conditional': 'class_balancing',
  'random_labels': 'snresgan',
  'acgan': 'acgan',
  'cgan': 'cgan',
  'acgan_pretrained': None,
}
ARGUMENTS = {'method': tuple(METHODS)}


def get_config(argument: str = ''):
  """The configuration; the argument takes method=..."""
  chosen = base.parse_argument(argument, **ARGUMENTS)
  data = 'inaturalist2019'
  config = base.gan_config(
    experiment='inaturalist2019',
    method=chosen.method,
    classifier_data=data,
    annotator_data=data,
    flip=True,
    classifier=base.classifier_section(data, drw=False),
  )
  config.algorithm.update(
    network='snresgan',
    generator_spectral_norm=True,
    beta1=0.0,
    regulariser_weight=0.5,
    classifier_loss_weight=0.5,
    count_update='additive',
    count_decay=0.995,
    count_cycle=1,
  )
  config.train.steps = 200_000
  for method, name in METHODS.items():
    if name:
      config.published[method] = f'class_balancing_gan.inaturalist2019.{name}'
  return config
