"""Accuracy of classifiers on few images: its interval, and the agreement of two classifiers."""

import math
import statistics

import numpy as np
from numpy.typing import ArrayLike

_Z = statistics.NormalDist().inv_cdf(0.975)  # 95 % of the standard normal lie in [-z, z].


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
  """95 % Wilson score interval of a proportion, such as an accuracy.

  With p = successes / trials = s / n and z = 1.96:

    (p + z² / 2n ± z √(p (1 - p) / n + z² / 4n²)) / (1 + z² / n)

  See "Probable Inference, the Law of Succession, and Statistical Inference", Wilson 1927. "Interval
  Estimation for a Binomial Proportion", Brown, Cai and DasGupta 2001, recommends it for few trials
  and for proportions near 0 or 1.

  Args:
    successes: s, such as correctly classified images.
    trials: n, such as test images.

  Returns:
    (low, high), two floats in [0, 1].

  Raises:
    ValueError: there are no trials, or `successes` is not in [0, trials].

  Example:
    >>> low, high = wilson_interval(110, 136)
    >>> round(low, 3), round(high, 3)
    (0.735, 0.866)
  """
  if not 0 <= successes <= trials or trials < 1:
    raise ValueError(
      f'{successes} successes of {trials} trials: expected 0 <= successes <= trials, at least one '
      'trial'
    )
  p, z2 = successes / trials, _Z**2
  centre = p + z2 / (2 * trials)
  half = _Z * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2))
  ends = ((centre + sign * half) / (1 + z2 / trials) for sign in (-1, 1))
  low, high = (min(max(end, 0.0), 1.0) for end in ends)  # Rounding may leave [0, 1].
  return low, high


def same_share(ours: ArrayLike, theirs: ArrayLike) -> float:
  """Share of the images with the same label from two classifiers.

  Args:
    ours: labels `[N]` of one classifier.
    theirs: labels `[N]` of the other classifier for the same images.

  Returns:
    A float in [0, 1].

  Raises:
    ValueError: the labels are not two vectors of the same length, with an image or more.

  Example:
    >>> same_share([0, 1, 1, 2], [0, 1, 2, 2])
    0.75
  """
  ours, theirs = _pair(ours, theirs)
  return float((ours == theirs).mean())


def cohens_kappa(ours: ArrayLike, theirs: ArrayLike) -> float:
  """Cohen's kappa: the agreement of two classifiers beyond chance.

  (p_o - p_e) / (1 - p_e), where p_o is the share of equal labels and p_e the share expected of
  independent classifiers with the same class frequencies. 1: always the same label; 0: no more than
  by chance. Of long-tailed images, p_e is large: two classifiers that only know the frequent class
  agree often and have a kappa near 0. See "A Coefficient of Agreement for Nominal Scales", Cohen
  1960.

  Args:
    ours: labels `[N]` of one classifier.
    theirs: labels `[N]` of the other classifier for the same images.

  Returns:
    A float of at most 1; NaN if both give the same single label to all images.

  Raises:
    ValueError: see `same_share`.

  Example:
    >>> round(cohens_kappa([0, 1, 1, 2], [0, 1, 2, 2]), 3)
    0.636
  """
  ours, theirs = _pair(ours, theirs)
  labels = np.union1d(ours, theirs)
  observed = (ours == theirs).mean()
  expected = sum((ours == label).mean() * (theirs == label).mean() for label in labels)
  return float((observed - expected) / (1 - expected)) if expected < 1 else float('nan')


def _pair(ours, theirs):
  ours, theirs = np.asarray(ours), np.asarray(theirs)
  if ours.ndim != 1 or ours.shape != theirs.shape or ours.size == 0:
    raise ValueError(
      f'labels of shapes {list(ours.shape)} and {list(theirs.shape)}: expected two vectors of the '
      'same length with one label per image, for example [136]'
    )
  return ours, theirs
