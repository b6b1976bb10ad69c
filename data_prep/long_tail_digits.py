"""Long-tailed digits: scikit-learn's 8x8 handwritten digits at 16x16; nothing to download.

scikit-learn documents 1,797 images of 8x8 with values 0..16, in ten classes.
"""

import numpy as np

from data_prep.array_builder import ArrayBuilder, RatioConfig, Recipe, Split
from data_prep.long_tail import class_counts, select_indices
from jaxgan.errors import UserError

OPTIONS = ()
CONFIGS = {'ratio_10': 10, 'ratio_1': 1}
SEED = 0
TEST_IMAGES_PER_CLASS = 35


class LongTailDigits(ArrayBuilder):
  """The 1,797 digits of scikit-learn, 35 a class for the test, the rest long-tailed."""

  BUILDER_CONFIGS = [RatioConfig(name=name, ratio=ratio) for name, ratio in CONFIGS.items()]  # noqa: RUF012
  image_shape = (16, 16, 1)
  class_names = tuple('0123456789')

  def read_splits(self, dl_manager):
    del dl_manager
    images, labels = read_digits()
    pool = np.bincount(labels) - TEST_IMAGES_PER_CLASS
    ratio, n_max = self.builder_config.ratio, int(pool.min())
    test_counts = [TEST_IMAGES_PER_CLASS] * len(pool)
    test = select_indices(labels, test_counts, SEED)
    train = select_indices(labels, class_counts(n_max, len(pool), ratio), SEED, skip=test_counts)
    facts = {
      'source_kind': 'sklearn.datasets.load_digits',
      'pixels': 'exact',
      'order': 'original',
      'imbalance_ratio': ratio,
      'n_max': n_max,
      'seed': SEED,
    }
    splits = {'train': train, 'test': test}
    return {name: Split(images[at], labels[at], at) for name, at in splits.items()}, facts


def read_digits() -> tuple[np.ndarray, np.ndarray]:
  """scikit-learn's digits, values 0..16, as pictures of twice the side.

  Returns:
    images uint8 [1797, 16, 16, 1], bilinear, 16 scaled to 255; labels int64 [1797].
  """
  from PIL import Image
  from sklearn.datasets import load_digits  # Takes a second to import.

  digits = load_digits()
  images = []
  for digit in digits.images.astype(np.float32):
    # In floating point: rounding to bytes comes once, at the end.
    large = Image.fromarray(digit).resize((16, 16), Image.Resampling.BILINEAR)
    images.append(np.clip(np.rint(np.asarray(large) * (255 / 16)), 0, 255).astype(np.uint8))
  return np.stack(images)[..., None], digits.target.astype(np.int64)


def recipe(config: str, source: str) -> Recipe:
  """See `data_prep.array_builder.Recipe`; there is no source to name."""
  if config not in CONFIGS:
    allowed = ', '.join(f'long_tail_digits/{name}' for name in CONFIGS)
    raise UserError(f'dataset long_tail_digits/{config} is unknown; allowed: {allowed}')
  if source:
    raise UserError(
      f'source {source} was given, but long_tail_digits comes with scikit-learn: leave it empty'
    )
  return Recipe(config, lambda data_dir: LongTailDigits(config=config, data_dir=data_dir))
