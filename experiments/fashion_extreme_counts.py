"""The two extreme cases of the regulariser (Fig. 3 of the paper), on the embedded images.

    jaxgan train --config=experiments/fashion_extreme_counts.py:count=huge
    jaxgan train --config=experiments/fashion_extreme_counts.py:count=tiny
    jaxgan train --config=experiments/fashion_extreme_counts.py:count=even
    jaxgan report runs/fashion_extreme_counts_* --out=extremes.md

Effective counts are held instead of learned, to show their effect on the regulariser. If N_k of one
class is huge, the class counts as frequent and its share of the generated images falls; if N_k is
tiny, the share rises. `count=even` holds all counts equal. The class is the coat, label 4, neither
head nor tail. The report draws the three runs side by side (`extremes_classes.png`); each run draws
its shares over the steps (`class_histogram_over_time.png`).

All other settings are as in `fashion_lt`.
"""

from experiments import base, fashion_lt
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

HELD_CLASS = 4
_COUNTS = {'huge': 100.0, 'tiny': 0.01, 'even': 1.0}  # N of the class; the other N are 1


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes count=huge|tiny|even."""
  chosen = base.parse_argument(argument, count=tuple(_COUNTS))
  name, counts = f'fashion_extreme_counts_{chosen.count}', [1.0] * 10
  counts[HELD_CLASS] = _COUNTS[chosen.count]
  return changed(
    fashion_lt.get_config('method=class_balancing'),
    {
      'experiment': name,
      'workdir': f'runs/{name}',
      'algorithm.count_start': tuple(counts),
      'algorithm.count_update': 'held',
      'evaluation.cas': False,  # Held counts make no balanced images to learn from.
    },
  )
