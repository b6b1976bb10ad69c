"""Small fake sources: CIFAR-10 archives of 100 + 20 images, and class folders of pictures."""

import io
import pickle
import tarfile

import numpy as np
from PIL import Image
import pytest

CLASS_NAMES = (
  'airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'
)  # fmt: skip


class FakeCifar10:
  """images uint8 [100, 32, 32, 3] in five batches, 10 a class; test 20, 2 a class."""

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


@pytest.fixture
def fake_cifar10(monkeypatch):
  """A fake CIFAR-10, and the builder set to its size."""
  from data_prep.long_tail_cifar10 import LongTailCifar10

  monkeypatch.setattr(LongTailCifar10, 'train_per_class', 10)
  monkeypatch.setattr(LongTailCifar10, 'test_per_class', 2)
  return FakeCifar10()


@pytest.fixture
def make_folder(tmp_path):
  """make_folder({'a/1.png': (size, mode, colour)}, name) -> the folder with these pictures."""

  def make(pictures, name='pets'):
    for path, (size, mode, colour) in pictures.items():
      file = tmp_path / name / path
      file.parent.mkdir(parents=True, exist_ok=True)
      Image.new(mode, size, colour).save(file)
    return tmp_path / name

  return make
