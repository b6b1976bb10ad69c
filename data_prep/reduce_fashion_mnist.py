"""Makes the embedded images from Fashion-MNIST's test set; run once, its output is committed.

  python -m data_prep.reduce_fashion_mnist --source=FOLDER_OF_THE_IDX_FILES

Each of the 10,000 images of 28x28 is averaged over blocks of 2x2 pixels and padded by one black
pixel to 16x16. Fashion-MNIST: Xiao, Rasul and Vollgraf 2017, under the Expat licence, which lies
beside the images.
"""

from pathlib import Path
import sys

import numpy as np

from data_prep.idx import read_idx
from jaxgan.errors import UserError

NPZ = Path(__file__).parent / 'fashion_mnist_16' / 'images.npz'


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
  folder = Path(flags.FLAGS.source)
  try:
    images, labels = (
      read_idx(folder / f't10k-{kind}.gz').array
      for kind in ('images-idx3-ubyte', 'labels-idx1-ubyte')
    )
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 1
  NPZ.parent.mkdir(exist_ok=True)
  np.savez_compressed(NPZ, images=reduce_images(images), labels=labels)
  return 0


if __name__ == '__main__':
  from absl import app, flags

  flags.DEFINE_string('source', '', 'Folder of t10k-{images-idx3,labels-idx1}-ubyte.gz.')
  app.run(_main)
