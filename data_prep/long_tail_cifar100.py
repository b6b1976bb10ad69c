"""Long-tailed CIFAR-100 (Cao et al. 2019) from the original archives or a copy as image files.

The class names are the fine labels, in alphabetical order as in the archive. They agree with the
lists of public loaders; Hugging Face's list differs in one name, "cra" for crab.
"""

from typing import Any

from data_prep import long_tail_cifar
from data_prep.array_builder import RatioConfig, Recipe
from data_prep.cifar_batches import CIFAR100

OPTIONS = ()
CONFIGS: dict[str, dict[str, Any]] = {f'ratio_{ratio}': {'ratio': ratio} for ratio in (100, 10, 1)}
COPY = long_tail_cifar.Copy(
  title='CIFAR-100',
  url='https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  sha256='58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
  archives=('cifar-100-python.tar.gz', 'cifar-100-binary.tar.gz'),
  folders=('cifar-100-python', 'cifar-100-binary'),
  layout=CIFAR100,
  train_per_class=500,
  test_per_class=100,
)


class LongTailCifar100(long_tail_cifar.LongTailCifar):
  """CIFAR-100 with n_k = floor(500 ratio^(-k/99)) train images of fine class k; all test images."""

  BUILDER_CONFIGS = [RatioConfig(name=name, **fields) for name, fields in CONFIGS.items()]  # noqa: RUF012
  class_names = (
    'apple', 'aquarium_fish', 'baby', 'bear', 'beaver', 'bed', 'bee', 'beetle', 'bicycle',
    'bottle', 'bowl', 'boy', 'bridge', 'bus', 'butterfly', 'camel', 'can', 'castle',
    'caterpillar', 'cattle', 'chair', 'chimpanzee', 'clock', 'cloud', 'cockroach', 'couch',
    'crab', 'crocodile', 'cup', 'dinosaur', 'dolphin', 'elephant', 'flatfish', 'forest', 'fox',
    'girl', 'hamster', 'house', 'kangaroo', 'keyboard', 'lamp', 'lawn_mower', 'leopard', 'lion',
    'lizard', 'lobster', 'man', 'maple_tree', 'motorcycle', 'mountain', 'mouse', 'mushroom',
    'oak_tree', 'orange', 'orchid', 'otter', 'palm_tree', 'pear', 'pickup_truck', 'pine_tree',
    'plain', 'plate', 'poppy', 'porcupine', 'possum', 'rabbit', 'raccoon', 'ray', 'road',
    'rocket', 'rose', 'sea', 'seal', 'shark', 'shrew', 'skunk', 'skyscraper', 'snail', 'snake',
    'spider', 'squirrel', 'streetcar', 'sunflower', 'sweet_pepper', 'table', 'tank', 'telephone',
    'television', 'tiger', 'tractor', 'train', 'trout', 'tulip', 'turtle', 'wardrobe', 'whale',
    'willow_tree', 'wolf', 'woman', 'worm'
  )  # fmt: skip
  copy = COPY


def recipe(config: str, source: str, copy: long_tail_cifar.Copy = COPY) -> Recipe:
  """See `long_tail_cifar.recipe`."""
  return long_tail_cifar.recipe(LongTailCifar100, config, source, copy)
