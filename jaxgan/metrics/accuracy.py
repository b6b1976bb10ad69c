"""Accuracy of classifiers on few images: its interval."""


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
  from scipy.stats import binomtest  # Takes a second to import.

  if not 0 <= successes <= trials or trials < 1:
    raise ValueError(
      f'{successes} successes of {trials} trials: expected 0 <= successes <= trials, at least one '
      'trial'
    )
  interval = binomtest(successes, trials).proportion_ci(method='wilson')
  return float(interval.low), float(interval.high)
