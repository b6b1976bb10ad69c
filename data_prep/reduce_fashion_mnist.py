"""Makes the embedded images from Fashion-MNIST's test set; its output is committed.

  python -m data_prep.reduce_fashion_mnist --source=FOLDER_OF_THE_IDX_FILES

Each of the 10,000 images of 28x28 is averaged over blocks of 2x2 pixels and padded by one black
pixel to 16x16. Fashion-MNIST: Xiao, Rasul and Vollgraf 2017, under the Expat licence, which lies
beside the images.
"""

import sys

import numpy as np

from data_prep import flag_names, idx_files
from data_prep.long_tail_fashion import NPZ
from data_prep.long_tail_fashion_mnist import FASHION_MNIST
from jaxgan.errors import UserError


def reduce_images(images: np.ndarray) -> np.ndarray:
  """Averages blocks of 2x2 pixels, rounding halves up, and pads the result by one black pixel.

  Args:
    images: uint8 [N, H, W], H and W even.

  Returns:
    uint8 [N, H / 2 + 2, W / 2 + 2].
  """
  n, height, width = images.shape
  sums = images.reshape(n, height // 2, 2, width // 2, 2).sum((2, 4), dtype=np.uint16)
  return np.pad(((sums + 2) // 4).astype(np.uint8), ((0, 0), (1, 1), (1, 1)))


def _main(argv) -> int:
  from absl import flags

  del argv
  flag_names.use_own()
  try:
    pool = idx_files.read_folder(flags.FLAGS.source, FASHION_MNIST)
    if pool.pixels != 'exact':
      raise UserError(f'source {flags.FLAGS.source} is not Fashion-MNIST')
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 1
  NPZ.parent.mkdir(exist_ok=True)
  images, labels = (part[FASHION_MNIST.num_train :] for part in (pool.images, pool.labels))
  np.savez_compressed(NPZ, images=reduce_images(images[..., 0]), labels=labels.astype(np.uint8))
  return 0


if __name__ == '__main__':
  from absl import app, flags

  flags.DEFINE_string('source', '', 'Folder of the four IDX files.')
  app.run(_main)
