"""CIFAR-100 in its original layouts: fine labels, counts, selection; damaged archives."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from data_prep import build, long_tail, preparation
from data_prep.long_tail_cifar100 import COPY
from jaxgan.errors import UserError

PER_CLASS, TEST_PER_CLASS = 4, 1


@pytest.fixture
def splits(use_edition):
  """{name: (pixels uint8 [N, 3072] in planes, coarse labels, fine labels)}."""
  small = COPY._replace(train_per_class=PER_CLASS, test_per_class=TEST_PER_CLASS)
  use_edition('long_tail_cifar100', copy=small)
  rng = np.random.default_rng(0)
  parts = {}
  for name, per_class in (('train', PER_CLASS), ('test', TEST_PER_CLASS)):
    fine = rng.permutation(np.repeat(np.arange(100), per_class)).astype(np.uint8)
    pixels = rng.integers(0, 256, (len(fine), 3072), dtype=np.uint8)
    parts[name] = pixels, rng.integers(0, 20, len(fine), dtype=np.uint8), fine
  return parts


def _binary(splits):
  return {
    f'{name}.bin': np.column_stack([coarse, fine, pixels]).tobytes()
    for name, (pixels, coarse, fine) in splits.items()
  }


def _python(splits):
  return {
    name: pickle.dumps(
      {b'data': pixels, b'coarse_labels': coarse.tolist(), b'fine_labels': fine.tolist()}, 2
    )
    for name, (pixels, coarse, fine) in splits.items()
  }


def _write(files, path, folder):
  """Writes an archive or a folder, by the name."""
  if path.name.endswith('.tar.gz'):
    with tarfile.open(path, 'w:gz') as archive:
      for name, data in files.items():
        member = tarfile.TarInfo(f'{folder}/{name}')
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
  else:
    path.mkdir()
    for name, data in files.items():
      (path / name).write_bytes(data)
  return str(path)


@pytest.mark.parametrize(
  ('layout', 'folder', 'path'),
  [
    (_binary, 'cifar-100-binary', 'cifar-100-binary.tar.gz'),
    (_python, 'cifar-100-python', 'cifar-100-python.tar.gz'),
    (_binary, '', 'cifar-100-binary'),
    (_python, '', 'cifar-100-python'),
  ],
)
def test_every_layout_gives_the_fine_classes(splits, layout, folder, path, tmp_path):
  source = _write(layout(splits), tmp_path / path, folder)
  train = build.load('long_tail_cifar100/ratio_10', 'train', source, str(tmp_path / 'tfds'))
  pixels, _, fine = splits['train']
  counts = long_tail.class_counts(PER_CLASS, 100, 10)
  chosen = long_tail.select_indices(fine, counts, 0)
  np.testing.assert_array_equal(train.labels, fine[chosen])
  images = pixels[chosen].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
  np.testing.assert_array_equal(train.images, images)
  assert train.metadata['train']['class_counts'] == counts
  assert train.metadata['order'] == 'original'
  assert (train.class_names[0], train.class_names[99]) == ('apple', 'worm')
  test = build.load('long_tail_cifar100/ratio_10', 'test', source, str(tmp_path / 'tfds'))
  assert len(test.labels) == 100


def test_counts_of_the_paper():
  assert sum(long_tail.class_counts(500, 100, 10)) == 19_573
  assert sum(long_tail.class_counts(500, 100, 100)) == 10_847


def test_bad_sources(splits, tmp_path):
  def error(files, name):
    source = _write(files, tmp_path / name, '')
    with pytest.raises(UserError) as raised:
      preparation.prepare('long_tail_cifar100/ratio_10', source, str(tmp_path / 'tfds'))
    assert '\n' not in str(raised.value)
    return str(raised.value)

  files = _binary(splits)
  cut = error({**files, 'train.bin': files['train.bin'][:-1]}, 'cut')
  assert 'train.bin' in cut
  assert 'not a multiple of 3074' in cut
  assert 'has no test.bin' in error({'train.bin': files['train.bin']}, 'half')
  pixels, coarse, fine = splits['train']
  for label, message in ((3, 'images, CIFAR-100 has 4'), (100, 'a label lies outside 0..99')):
    other = fine.copy()
    other[0] = label if other[0] != label else label + 1
    changed = {**splits, 'train': (pixels, coarse, other)}
    assert message in error(_binary(changed), f'label_{label}')
  with pytest.raises(UserError, match='is not a copy of CIFAR-100; accepted: cifar-100-python'):
    preparation.prepare('long_tail_cifar100/ratio_10', str(tmp_path))
