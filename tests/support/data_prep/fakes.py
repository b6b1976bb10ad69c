"""Small fake sources: CIFAR-10 archives and the IDX files of an MNIST."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile

import numpy as np
from PIL import Image

from data_prep import idx_files

CLASS_NAMES = (
  'airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'
)  # fmt: skip


class FakeCifar10:
  """images uint8 [100, 32, 32, 3] in five batches, 10 per class; 20 test images, 2 per class."""

  names = (*(f'data_batch_{i}' for i in range(1, 6)), 'test_batch')

  def __init__(self):
    rng = np.random.default_rng(0)
    self.labels = rng.permutation(np.repeat(np.arange(10), 10))
    self.test_labels = rng.permutation(np.repeat(np.arange(10), 2))
    self.images = rng.integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)
    self.test_images = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)

  def _batches(self):
    planes = np.concatenate([self.images, self.test_images]).transpose(0, 3, 1, 2)
    rows = planes.reshape(6, 20, 3072)  # Planes of red, green and blue, as in the original.
    return zip(self.names, rows, [*self.labels.reshape(5, 20), self.test_labels], strict=True)

  def binary(self):
    """{file name: bytes} of the binary format: a label and 3,072 pixels per record."""
    return {
      f'{name}.bin': np.hstack([labels[:, None].astype(np.uint8), rows]).tobytes()
      for name, rows, labels in self._batches()
    }

  def python(self):
    """{file name: bytes} of the python format: pickled dicts with byte-string keys."""
    return {
      name: pickle.dumps({b'data': rows, b'labels': labels.tolist()}, protocol=2)
      for name, rows, labels in self._batches()
    }

  def arrays(self):
    """The fields of the .npz form."""
    return {
      name: getattr(self, name) for name in ('images', 'labels', 'test_images', 'test_labels')
    }

  @staticmethod
  def write_archive(path, folder, files):
    with tarfile.open(path, 'w:gz') as archive:
      for name, data in files.items():
        member = tarfile.TarInfo(f'{folder}/{name}')
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return path

  @staticmethod
  def write_folder(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
      (folder / name).write_bytes(data)
    return folder

  def write_png_folders(self, root):
    for split, prefix in (('train', ''), ('test', 'test_')):
      images, labels = getattr(self, f'{prefix}images'), getattr(self, f'{prefix}labels')
      for label, name in enumerate(CLASS_NAMES):
        (root / split / name).mkdir(parents=True)
        for number, at in enumerate(np.flatnonzero(labels == label)):
          Image.fromarray(images[at]).save(root / split / name / f'{number:04}.png')
    return root


class FakeMnist:
  """images uint8 [140, 28, 28], labels [140]: 120 + 20 images, 12 + 2 per class, shuffled."""

  def __init__(self, seed=0):
    rng = np.random.default_rng(seed)
    parts = [rng.permutation(np.repeat(np.arange(10), n)) for n in (12, 2)]
    self.labels = np.concatenate(parts).astype(np.uint8)
    self.images = rng.integers(0, 256, (140, 28, 28), dtype=np.uint8)

  def files(self):
    """{file name: bytes} of the four IDX files."""
    return {
      f'{name}-{kind}-ubyte': idx_bytes(array[at])
      for name, at in (('train', slice(120)), ('t10k', slice(120, None)))
      for kind, array in (('images-idx3', self.images), ('labels-idx1', self.labels))
    }

  def write(self, folder, zipped=True, rename=lambda name: name):
    """Writes the files to a new folder and returns it."""
    folder.mkdir(parents=True)
    for name, data in self.files().items():
      file = folder / (rename(name) + ('.gz' if zipped else ''))
      file.write_bytes(gzip.compress(data) if zipped else data)
    return folder


def idx_bytes(array):
  """An array of bytes in the IDX format."""
  return struct.pack(f'>HBB{array.ndim}I', 0, 8, array.ndim, *array.shape) + array.tobytes()


def published_as(fake, published):
  """Returns the data set `published` with the files of a FakeMnist."""
  checksums = {
    name: idx_files.Checksums(
      hashlib.sha256(gzip.compress(data, mtime=0)).hexdigest(), hashlib.md5(data).hexdigest()
    )
    for name, data in fake.files().items()
  }
  return published._replace(files=checksums, num_train=120, num_test=20)
