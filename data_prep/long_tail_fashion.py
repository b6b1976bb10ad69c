"""The embedded example: 10,000 images of Fashion-MNIST at 16x16, long-tailed; no download.

`data_prep.reduce_fashion_mnist` made them from the test set (Xiao, Rasul and Vollgraf 2017, Expat
licence, beside the images). The test split has 100 images per class; of the other 900, the first
class keeps all.
"""

from pathlib import Path
from typing import Any

import numpy as np

from data_prep.array_builder import ArrayBuilder, RatioConfig, Recipe, Split
from data_prep.long_tail import class_counts, select_indices
from data_prep.long_tail_fashion_mnist import LongTailFashionMnist
from jaxgan.errors import UserError

OPTIONS = ()
RATIOS = (50, 100, 10, 1)
CONFIGS = {f'ratio_{ratio}': ratio for ratio in RATIOS}
SEED = 0
TEST_IMAGES_PER_CLASS = 100
NPZ = Path(__file__).parent / 'fashion_mnist_16' / 'images.npz'


class LongTailFashion(ArrayBuilder):
  """Fashion-MNIST's test images at 16x16: 100 test images per class, the rest long-tailed."""

  BUILDER_CONFIGS = [RatioConfig(name=name, ratio=ratio) for name, ratio in CONFIGS.items()]  # noqa: RUF012
  image_shape = (16, 16, 1)
  class_names = LongTailFashionMnist.class_names

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    images, labels = read_images()
    pool = np.bincount(labels) - TEST_IMAGES_PER_CLASS
    ratio, n_max = self.builder_config.ratio, int(pool.min())
    test_counts = [TEST_IMAGES_PER_CLASS] * len(pool)
    test = select_indices(labels, test_counts, SEED)
    train = select_indices(labels, class_counts(n_max, len(pool), ratio), SEED, skip=test_counts)
    facts = {
      'source_kind': 'Fashion-MNIST, its test images at half the side',
      'pixels': 'exact',
      'order': 'original',
      'imbalance_ratio': ratio,
      'n_max': n_max,
      'seed': SEED,
    }
    splits = {'train': train, 'test': test}
    return {name: Split(images[at], labels[at], at) for name, at in splits.items()}, facts


def read_images() -> tuple[np.ndarray, np.ndarray]:
  """Returns the embedded images uint8 [10000, 16, 16, 1] and labels int64 [10000]."""
  with np.load(NPZ, allow_pickle=False) as file:
    return file['images'][..., None], file['labels'].astype(np.int64)


def recipe(config: str, source: str) -> Recipe:
  """See `data_prep.array_builder.Recipe`; `source` must be empty."""
  if config not in CONFIGS:
    allowed = ', '.join(f'long_tail_fashion/{name}' for name in CONFIGS)
    raise UserError(f'dataset long_tail_fashion/{config} is unknown; allowed: {allowed}')
  if source:
    raise UserError(
      f'source {source} was given, but the images of long_tail_fashion come with jaxgan: leave it '
      'empty, or use long_tail_fashion_mnist'
    )
  return Recipe(config, lambda data_dir: LongTailFashion(config=config, data_dir=data_dir))
