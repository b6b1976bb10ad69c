"""A data set: 8x8 images of horizontal and vertical stripes, drawn by a program."""

import numpy as np

from data_prep.array_builder import ArrayBuilder, Recipe, Split
import jaxgan

OPTIONS = ()  # Names of the `data.options` that it reads.


class Stripes(ArrayBuilder, skip_registration=True):
  """16 images of horizontal stripes and 8 of vertical ones."""

  name, image_shape, class_names = 'toy_stripes', (8, 8, 1), ('horizontal', 'vertical')

  def read_splits(self, dl_manager):
    """Returns the splits, and what the summary tells of reading them."""
    del dl_manager
    labels = np.repeat((0, 1), (16, 8))
    images = np.zeros((24, 8, 8, 1), np.uint8)
    images[labels == 0, ::2] = 255
    images[labels == 1, :, ::2] = 255
    split = Split(images, labels, np.arange(24))
    return {'train': split, 'test': split}, {'changes': [], 'passed_over': []}


def recipe(config, source):
  """Returns how to prepare the data set; NAME/CONFIG has one CONFIG, `all`."""
  del config, source
  return Recipe('all', make)


def make(data_dir):
  """Returns the builder that writes to `data_dir`."""
  import tensorflow_datasets as tfds  # Slow to import: only when images are prepared.

  return Stripes(data_dir=data_dir, config=tfds.core.BuilderConfig(name='all'))


jaxgan.register_dataset('toy_stripes', __name__)
