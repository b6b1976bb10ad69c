"""Long-tailed Fashion-MNIST at full size, 28x28, from its four IDX files.

  ratio_100, ratio_50, ratio_10, ratio_1    6,000 training images of T-shirt/top, 6,000 / ratio of
                                            ankle boots; all 10,000 test images

Names of classes and files, sizes and the URL agree with the data set's README,
https://github.com/zalandoresearch/fashion-mnist. TFDS registers the same SHA-256 for this URL. The
MD5 of the unzipped contents were computed from the files and agree with several public readers.
"""

from typing import Any, NamedTuple

import numpy as np

from data_prep import idx_files
from data_prep.array_builder import ArrayBuilder, RatioConfig, Recipe, Split
from data_prep.idx_files import Checksums
from data_prep.long_tail import class_counts, select_indices
from jaxgan.errors import UserError

OPTIONS = ()
CONFIGS = {f'ratio_{ratio}': ratio for ratio in (100, 50, 10, 1)}
SEED = 0
FASHION_MNIST = idx_files.Published(
  title='Fashion-MNIST',
  url='http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
  files={
    'train-images-idx3-ubyte': Checksums(
      '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
      'f4a8712d7a061bf5bd6d2ca38dc4d50a',
    ),
    'train-labels-idx1-ubyte': Checksums(
      'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
      '9018921c3c673c538a1fc5bad174d6f9',
    ),
    't10k-images-idx3-ubyte': Checksums(
      '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
      '8181f5470baa50b63fa0f6fddb340f0a',
    ),
    't10k-labels-idx1-ubyte': Checksums(
      '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
      '15d484375f8d13e6eb1aabb0c3f46965',
    ),
  },
)


class Layout(NamedTuple):
  """The data set and the number of training images per class."""

  published: idx_files.Published = FASHION_MNIST
  train_per_class: int = 6_000


LAYOUT = Layout()


class LongTailFashionMnist(ArrayBuilder):
  """Fashion-MNIST with n_k = floor(6000 ratio^(-k/9)) train images of class k; all test images."""

  BUILDER_CONFIGS = [RatioConfig(name=name, ratio=ratio) for name, ratio in CONFIGS.items()]  # noqa: RUF012
  image_shape = (28, 28, 1)
  class_names = (
    'T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag',
    'Ankle boot',
  )  # fmt: skip

  def __init__(self, *, layout: Layout = LAYOUT, **kwargs: Any):
    """See `ArrayBuilder`; `layout` has the expected sizes of the source."""
    self._layout = layout
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    published, n_max = self._layout
    if self.source:
      pool = idx_files.read_folder(self.source, published)
    else:
      pool = idx_files.read_download(dl_manager, published)
    if pool.pixels != 'exact':
      raise UserError(
        f'source {self.source}: none of the four files is {published.title}, by the MD5 of their '
        'contents: use long_tail_mnist or long_tail_folder for other images'
      )
    ratio, first_test = self.builder_config.ratio, published.num_train
    counts = class_counts(n_max, len(self.class_names), ratio)
    chosen = {
      'train': select_indices(pool.labels[:first_test], counts, SEED),
      'test': np.arange(first_test, len(pool.labels)),
    }
    facts = {
      'source_kind': 'IDX files',
      'pixels': pool.pixels,
      'order': 'original',  # An index counts the train images, then the test images.
      'imbalance_ratio': ratio,
      'n_max': n_max,
      'seed': SEED,
    }
    return {name: Split(pool.images[at], pool.labels[at], at) for name, at in chosen.items()}, facts


def recipe(config: str, source: str, layout: Layout = LAYOUT) -> Recipe:
  """See `data_prep.array_builder.Recipe`; an empty source means a download."""
  if config not in CONFIGS:
    allowed = ', '.join(f'long_tail_fashion_mnist/{name}' for name in CONFIGS)
    raise UserError(f'dataset long_tail_fashion_mnist/{config} is unknown; allowed: {allowed}')

  def make(data_dir):
    return LongTailFashionMnist(layout=layout, config=config, source=source, data_dir=data_dir)

  return Recipe(config, make)
