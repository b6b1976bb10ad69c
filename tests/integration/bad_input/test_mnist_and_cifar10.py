"""Damaged copies of MNIST and CIFAR-10."""

import gzip
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest

from tests.support.bad_input.sources import cifar10, half, linked, mnist, removed, replaced
from tests.support.bad_input.tables import Evil, argv, check
from tests.support.data_prep.fakes import FakeCifar10

# MNIST -----------------------------------------------------------------------------------------

_PIXELS, _LABELS = 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte'


def _idx(*shape, kind=8):
  return struct.pack(f'>HBB{len(shape)}I', 0, kind, len(shape), *shape)


test_mnist = check(
  {
    'half': (replaced(mnist, _PIXELS, half), 'is truncated: 47048 bytes, its header announces 940'),
    'no bytes': (replaced(mnist, _PIXELS, b''), 'is not an IDX file .* starts with nothing'),
    'too long': (replaced(mnist, _PIXELS, lambda data: data + b'x'), 'is too long: 94097 bytes'),
    'floats': (replaced(mnist, _PIXELS, _idx(120, 28, 28, kind=13)), 'starts with 00000d03'),
    'huge': (replaced(mnist, _PIXELS, _idx(*[2**32 - 1] * 3)), 'is truncated: 16 bytes'),
    'axes': (replaced(mnist, _PIXELS, b'\0\0\x08\xff' + bytes(12)), 'its header ends after 16'),
    'fewer': (
      replaced(mnist, _PIXELS, _idx(119, 28, 28) + bytes(119 * 784)),
      r'has the shape \(119, 28, 28\), MNIST has',
    ),
    'other shape': (
      replaced(mnist, _PIXELS, _idx(120, 14, 56) + bytes(120 * 784)),
      r'has the shape \(120, 14, 56\), MNIST has',
    ),
    'half a gzip': (
      replaced(mnist, _PIXELS, lambda data: half(gzip.compress(data))),
      'ended before',
    ),
    'no gzip': (replaced(mnist, _PIXELS, b'\x1f\x8b' + bytes(50)), 'cannot be read'),
    'junk behind a gzip': (
      replaced(mnist, _PIXELS, lambda data: gzip.compress(data) + b'junk'),
      'cannot be read .Not a gzipped file',
    ),
    'labels to 10': (
      replaced(mnist, _LABELS, lambda data: data[:8] + b'\x0a' * 120),
      r'has 11 classes with labels 0\.\.10',
    ),
    'one label': (replaced(mnist, _LABELS, lambda data: data[:8] + bytes(120)), 'class 1 has 2 im'),
    'no labels': (removed(mnist, _LABELS), 'has no train-labels-idx1-ubyte; name a folder'),
    'link': (linked(mnist, _LABELS, _LABELS), 'has no train-labels-idx1-ubyte; name a folder'),
  },
  'mnist_lt',
)


# CIFAR-10 --------------------------------------------------------------------------------------

_BATCH = 'data_batch_2'
_ROWS = np.zeros((20, 3072), np.uint8)


def _batch(data=_ROWS, labels=(0,) * 20):
  content = pickle.dumps({b'data': data, b'labels': labels})
  return replaced(cifar10, _BATCH, content)


def _archive(*members, names=lambda name: f'cifar/{name}', change=lambda data: data):
  """A builder of a .tar.gz: some members, then the files without a member of their name."""

  def build(path):
    path.mkdir(parents=True)
    path = path / 'cifar-10-python.tar.gz'
    left = {name: data for name, data in FakeCifar10().python().items()}
    with tarfile.open(path, 'w:gz') as archive:
      for member in members:
        left.pop(member.name.rsplit('/', 1)[-1], None)
        archive.addfile(member)
      for name, data in left.items():
        member = tarfile.TarInfo(names(name))
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    path.write_bytes(change(path.read_bytes()))
    return path

  return build


def _link(kind):
  member = tarfile.TarInfo(f'cifar/{_BATCH}')
  member.type, member.linkname = kind, '/etc/passwd'
  return member


def _sparse_file(root):
  source = cifar10(root)
  with open(source / _BATCH, 'wb') as file:
    file.truncate(2**40)
  return source


# Its dtype declares pointers to objects, which NumPy would follow.
_POINTERS = (
  b'\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R'
  b'(K\x01K\x01\x85cnumpy\ndtype\nU\x02V8K\x00K\x01\x87R(K\x03U\x01|NU\x01f\x85}U\x01fcnumpy\ndtype\n'
  b'U\x01OK\x00K\x01\x87RK\x00\x86sK\x08K\x01K\x00tb\x89U\x08AAAAAAAAtbu.'
)

test_cifar10 = check(
  {
    'half': (replaced(cifar10, _BATCH, half), 'data_batch_2 in source .* is damaged .pickle data'),
    'no bytes': (replaced(cifar10, _BATCH, b''), 'is damaged .Ran out of input'),
    'a number': (replaced(cifar10, _BATCH, pickle.dumps(3)), "is damaged .'int' object"),
    'no file': (removed(cifar10, _BATCH), 'has no data_batch_2: it is not a whole copy'),
    'code': (replaced(cifar10, _BATCH, pickle.dumps(Evil())), r'it refers to posix\.mkdir'),
    'old code': (replaced(cifar10, _BATCH, pickle.dumps(Evil(), 0)), r'it refers to posix\.mkdir'),
    'code as data': (_batch(data=Evil()), r'it refers to posix\.mkdir'),
    'code of NumPy': (
      replaced(cifar10, _BATCH, b"cnumpy\nfromfile\n(S'/etc/passwd'\ntR."),
      r'it refers to numpy\.fromfile',
    ),
    'pointers': (replaced(cifar10, _BATCH, _POINTERS), r'it has an array of \|V8'),
    'objects': (_batch(data=np.array([[None] * 3072] * 20)), 'it has an array of object'),
    'floats': (_batch(data=_ROWS.astype(np.float32)), 'it has an array of float32'),
    'no images': (_batch(_ROWS[:0], []), r'its data is uint8 \(0, 3072\)'),
    'fewer labels': (_batch(labels=[0] * 19), r'labels are int64 \(19,\), there are 20 images'),
    'labels of two axes': (_batch(labels=np.zeros((20, 2), int)), r'labels are int64 \(20, 2\)'),
    'texts': (_batch(labels=['x'] * 20), r'labels are <U1 \(20,\)'),
    'NaN': (_batch(labels=[float('nan')] * 20), r'labels are float64 \(20,\)'),
    'huge labels': (_batch(labels=[2**70] * 20), r'labels are object \(20,\)'),
    'label 10': (_batch(labels=[10] * 20), r'a label lies outside 0\.\.9'),
    'one class': (_batch(), 'class airplane has 29 train images, CIFAR-10 has 10'),
    'a terabyte': (_sparse_file, 'data_batch_2 has 1099511627776 bytes, no file of CIFAR has more'),
    'link in the archive': (_archive(_link(tarfile.SYMTYPE)), 'has no data_batch_2: it is not'),
    'hard link in it': (_archive(_link(tarfile.LNKTYPE)), 'has no data_batch_2: it is not a whole'),
    'half the archive': (_archive(change=half), 'is not a readable .tar.gz .Compressed file ended'),
    'no archive': (_archive(change=lambda _: b'hello'), 'is not a readable .tar.gz'),
    'no bytes of it': (_archive(change=lambda _: b''), 'is not a readable .tar.gz'),
  },
  'cifar10_lt',
)


@pytest.mark.parametrize('folder', ['../../..', '/tmp/..'])
def test_an_archive_is_read_without_extraction(folder, command, tmp_path):
  """Members with paths outside the archive write no files."""
  source = _archive(names=lambda name: f'{folder}/{name}')(tmp_path / 'a' / 'b' / 'source')
  assert command(argv(tmp_path, source, 'cifar10_lt'), tmp_path)['status'] == 100
  assert {path.name for path in tmp_path.iterdir()} == {'a', 'data', 'runs'}
