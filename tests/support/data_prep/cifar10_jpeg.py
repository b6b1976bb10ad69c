"""Turns a CIFAR-10 copy stored as JPEG bytes into an .npz that `data_prep` reads.

  python tests/support/data_prep/cifar10_jpeg.py FOLDER OUT.npz

FOLDER holds cifar10_train_jpeg.npz and cifar10_test_jpeg.npz, each with `jpeg_bytes`
uint8 (all files one after another), `offsets` int64 [N + 1], `labels` uint8 [N] and
`class_names`, in the original order of CIFAR-10.
"""

import io
from pathlib import Path
import sys

import numpy as np
from PIL import Image


def decode(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Images uint8 [N, 32, 32, 3], labels int64 [N] and class names of one file."""
  with np.load(path, allow_pickle=False) as archive:
    data, offsets = archive['jpeg_bytes'].tobytes(), archive['offsets']
    labels, class_names = archive['labels'].astype(np.int64), archive['class_names']
  images = np.empty((len(labels), 32, 32, 3), np.uint8)
  for i in range(len(labels)):
    images[i] = Image.open(io.BytesIO(data[offsets[i] : offsets[i + 1]]))
  return images, labels, class_names


def convert(source_folder: str | Path, out_npz: str | Path) -> None:
  """Writes images, labels, test_images, test_labels, class_names and pixels='jpeg'."""
  images, labels, class_names = decode(Path(source_folder) / 'cifar10_train_jpeg.npz')
  test_images, test_labels, _ = decode(Path(source_folder) / 'cifar10_test_jpeg.npz')
  np.savez(
    out_npz,
    images=images,
    labels=labels,
    test_images=test_images,
    test_labels=test_labels,
    class_names=class_names,
    pixels='jpeg',
  )


if __name__ == '__main__':
  if len(sys.argv) != 3:
    sys.exit('usage: cifar10_jpeg.py FOLDER OUT.npz')
  convert(*sys.argv[1:])
