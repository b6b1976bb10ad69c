"""Long-tailed CIFAR-10 (Cao et al. 2019) from the original archives or a copy as image files.

The site and public loaders list the same class names in the same order.
"""

from typing import Any

from data_prep import long_tail_cifar
from data_prep.array_builder import RatioConfig, Recipe
from data_prep.cifar_batches import CIFAR10

OPTIONS = ()
CONFIGS: dict[str, dict[str, Any]] = {
  'ratio_100': {'ratio': 100},
  'ratio_10': {'ratio': 10},
  'ratio_1': {'ratio': 1},
  # Only for classifiers in the loop (Fig. 5 of Class Balancing GAN).
  'ratio_200': {'ratio': 200},
  'ratio_1000': {'ratio': 1000},
  # 0.1 % of the balanced images, for fine-tuning a classifier; a subset of all other configs.
  'labelled_5': {'n_max': 5},
}
COPY = long_tail_cifar.Copy(
  title='CIFAR-10',
  url='https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  sha256='c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
  archives=('cifar-10-python.tar.gz', 'cifar-10-binary.tar.gz'),
  folders=('cifar-10-batches-py', 'cifar-10-batches-bin'),
  layout=CIFAR10,
  train_per_class=5000,
  test_per_class=1000,
)


class LongTailCifar10(long_tail_cifar.LongTailCifar):
  """CIFAR-10 with n_k = floor(n_max ratio^(-k/9)) train images of class k; all test images."""

  BUILDER_CONFIGS = [RatioConfig(name=name, **fields) for name, fields in CONFIGS.items()]  # noqa: RUF012
  class_names = (
    'airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'
  )  # fmt: skip
  copy = COPY
  train_labels_sha256 = 'f5cfe00b0f00968c0cc5ff3b1d2de51b10e33efa277c2986f4e0fa63e58c9f4f'


def recipe(config: str, source: str, copy: long_tail_cifar.Copy = COPY) -> Recipe:
  """See `long_tail_cifar.recipe`."""
  return long_tail_cifar.recipe(LongTailCifar10, config, source, copy)
