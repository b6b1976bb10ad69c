"""A data set: 8x8 images of stripes across and along, made by a program."""

import numpy as np

from data_prep.array_builder import ArrayBuilder, Recipe, Split
from data_prep.preparation import DATASETS

OPTIONS = ()


class Stripes(ArrayBuilder, skip_registration=True):
  """Stripes across, and fewer of them along."""

  name, image_shape, class_names = 'toy_stripes', (8, 8, 1), ('across', 'along')

  def read_splits(self, dl_manager):
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    labels = np.repeat((0, 1), (16, 8))
    images = np.zeros((24, 8, 8, 1), np.uint8)
    images[labels == 0, ::2] = 255
    images[labels == 1, :, ::2] = 255
    split = Split(images, labels, np.arange(24))
    return {'train': split, 'test': split}, {'changes': [], 'passed_over': []}


def recipe(config, source):
  """See `data_prep.preparation.DATASETS`."""
  del config, source
  return Recipe('all', make)


def make(data_dir):
  """The builder."""
  import tensorflow_datasets as tfds

  return Stripes(data_dir=data_dir, config=tfds.core.BuilderConfig(name='all'))


DATASETS.register('toy_stripes', __name__)
