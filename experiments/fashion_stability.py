"""Compares regularisers that stabilise training, one at a time, on the embedded images.

    jaxgan train --config=experiments/fashion_stability.py:switch=none
    jaxgan train --config=experiments/fashion_stability.py:switch=r1_r2
    jaxgan train --config=experiments/fashion_stability.py:switch=r1_r2_r3gan
    jaxgan train --config=experiments/fashion_stability.py:switch=lecam
    jaxgan train --config=experiments/fashion_stability.py:switch=diff_augment
    jaxgan train --config=experiments/fashion_stability.py:switch=none,method=cgan
    jaxgan train --config=experiments/fashion_stability.py:switch=gsr

Class balancing as in `fashion_lt` with one switch of `jaxgan.algorithms.regularisers`. The switch
gsr regularises the gains and biases of a conditional generator, so its method is cgan, and its
baseline is cgan without it. Each switch has its own work directory; give all of them the classifier
and annotator of the first:

    --config.classifier.folder=runs/fashion_stability_none/classifier
    --config.annotator.folder=runs/fashion_stability_none/annotator

`jaxgan report` on the work directories compares each with its method without the switch. A step
takes about twice as long with r1_r2 and no longer with the others. The weights are from short runs
of one seed on another small data set; gsr has its paper's weight. γ of r1_r2 falls from 0.1 to
0.01; 3 and 10 times as much were worse. r1_r2_r3gan is the same switch with half the weight,
0.05 to 0.005, as in R3GAN's code for CIFAR-10. λ of lecam is a tenth of a value that was too large.
"""

from experiments import base, fashion_lt
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

METHODS = ('class_balancing', 'cgan')
SWITCHES = {
  'none': {},
  'r1_r2': {'r1_r2_weight': 0.1, 'r1_r2_end_weight': 0.01, 'r1_r2_steps': 3000},
  'r1_r2_r3gan': {'r1_r2_weight': 0.05, 'r1_r2_end_weight': 0.005, 'r1_r2_steps': 3000},
  'lecam': {'lecam_weight': 0.01},
  'diff_augment': {'diff_augment': ('translation', 'cutout')},
  'gsr': {'group_spectral_weight': 0.5},
}


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes switch=... and method=class_balancing|cgan."""
  chosen = base.parse_argument(argument, switch=tuple(SWITCHES), method=('default', *METHODS))
  method = chosen.method
  if method == 'default':
    method = 'cgan' if chosen.switch == 'gsr' else 'class_balancing'
  switched = {f'algorithm.{field}': value for field, value in SWITCHES[chosen.switch].items()}
  named = {'experiment': 'fashion_stability', 'workdir': f'runs/fashion_stability_{chosen.switch}'}
  return changed(fashion_lt.get_config(f'method={method}'), {**named, **switched})
