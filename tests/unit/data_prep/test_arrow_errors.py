"""Refused Arrow and Parquet files."""

import json

import numpy as np
import pyarrow as pa
from pyarrow import ipc
import pytest

from data_prep.arrow import read_arrow
from jaxgan.errors import UserError
from tests.support.arrow_sets import encoded, save, save_splits, shades, table, write_parquet

TRAIN, TEST = shades(10), shades(4, 100)


def _with(**changes):
  """A changed table of four images."""
  return table(**{'images': [encoded(i) for i in range(4)], 'labels': [0, 1, 0, 1]} | changes)


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    (_with(labels=[0, 1, None, 1]), 'column label is empty in 1 rows'),
    (_with(labels=[0, 1, -1, 1]), r'train label must lie in 0\.\.1, .*, got -1\.\.1'),
    (_with(labels=[-1] * 4), 'train label is -1 for every image: this split is unlabelled, remove'),
    (_with(labels=[0.5, 1, 2, 3]), 'column label must hold integers or strings, not double'),
    (_with(labels=[0.0, 1, None, 1]), 'column label is empty in 1 rows'),
    (_with(labels=[0.0, 1, float('nan'), 1]), 'integers or strings, not double'),
    (_with(labels=[[0], [1], [0], [1]]), 'must hold integers or strings, not list'),
    (_with(names=['a', 'a']), "a class called 'a': each class needs a different name"),
    (_with(images=[encoded(1), None] * 2), 'a.parquet row 1 has no bytes of an image'),
    (_with(images=[encoded(1), b'text'] * 2), '2 of 4 image .*a.parquet row 1 .damaged, or not'),
    (_with(images=[encoded(1), encoded(1, size=9)] * 2), 'row 1 is 9x9, but without image_size'),
    (_with(label='kind', names=None), 'no column of labels, but kind: call the labels `label`'),
    (_with(labels=[0, 1, 0, 1], labels2=[0, 1, 0, 1]).rename_columns(['image', 'label', 'labels']),
     'several columns of labels, label, labels: call one of them `label`'),
    (pa.table({'label': [0, 1]}), 'no column of images; its columns are label'),
    (pa.table({'image': [[1, 2], [3, 4]], 'label': [0, 1]}), 'no column of images'),
    (TRAIN.slice(0, 0), 'train has no rows'),
    (TRAIN.slice(0, 0).select(['image']), 'train has no rows'),
    (_with(labels=np.array([0, 1, 2, 2**63], np.uint64)), 'a.parquet cannot be read .*too large'),
  ],
)  # fmt: skip
def test_bad_columns(given, message, tmp_path):
  write_parquet(tmp_path, {'a.parquet': given})
  with pytest.raises(UserError, match=message) as raised:
    list(read_arrow(tmp_path).train.images)
  assert '\n' not in str(raised.value)


@pytest.mark.parametrize(
  ('files', 'message'),
  [
    ({'a/train.parquet': TRAIN, 'b/train.parquet': TRAIN}, 'several data sets: name one of .*a'),
    ({'test.parquet': TEST, 'val.parquet': TRAIN}, 'no split train; its splits are test, val'),
    ({'train-00000-of-00002.parquet': TRAIN}, 'has 1 of the 2 files of split train'),
    (
      {'train-00000-of-00001-a.parquet': TRAIN, 'train-00000-of-00001-b.parquet': TRAIN},
      'has 2 of the 1 files of split train',
    ),
    (
      {'train.parquet': TRAIN, 'test.parquet': _with(names=['dog', 'cat'])},
      'test.parquet and .*train.parquet have other classes in label',
    ),
    ({'train.parquet': TRAIN, 'test.parquet': _with(labels=[-1] * 4)}, 'test label is -1 for'),
    ({'train.parquet': TRAIN, 'val.parquet': _with(labels=[-1] * 4)}, 'validation label is -1 for'),
    (
      {'train.parquet': TRAIN, 'test.parquet': _with(labels=[1] * 4)},
      'test label: class cat has no images',
    ),
    (
      {'train.parquet': _with(labels=[1] * 4), 'test.parquet': TEST},
      'train label: class cat has no images',
    ),
    ({'train.parquet': TRAIN, 'test.parquet': _with(image='img')}, 'has no column image'),
    ({'train.parquet': TRAIN, 'test.parquet': TEST.slice(0, 0)}, 'test has no rows'),
  ],
)  # fmt: skip
def test_bad_layouts(files, message, tmp_path):
  with pytest.raises(UserError, match=message):
    read_arrow(write_parquet(tmp_path, files))


def test_files_of_one_split_with_different_columns(tmp_path):
  folder = save(tmp_path / 'a', TRAIN, num_shards=2)
  second = folder / 'data-00001-of-00002.arrow'
  bare = pa.table({'image': [{'path': 'a.png'}], 'label': [0]})
  with ipc.new_stream(str(second), bare.schema) as writer:
    writer.write_table(bare)
  with pytest.raises(UserError, match=f'{second} has no column image with the bytes of images'):
    read_arrow(folder)


def test_damage(tmp_path):
  def error(path):
    with pytest.raises(UserError) as raised:
      list(read_arrow(path).train.images)
    assert '\n' not in str(raised.value)
    return str(raised.value)

  file = write_parquet(tmp_path / 'p', {'train.parquet': TRAIN}) / 'train.parquet'
  file.write_bytes(file.read_bytes()[:-50])
  assert f'{file} cannot be read (' in error(file)
  file.write_text('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n')
  assert f'{file} is a pointer of Git LFS, not the file: run `git lfs pull`' in error(file)
  folder = save_splits(tmp_path / 'a', train=TRAIN, test=TEST)
  file = folder / 'train' / 'data-00000-of-00001.arrow'
  data = file.read_bytes()
  for cut in (0, 3, 100, len(data) // 2):
    file.write_bytes(data[:cut])
    assert f'{file} cannot be read (' in error(folder)
  file.unlink()
  assert 'train lacks data-00000-of-00001.arrow: save it again' in error(folder)
  (folder / 'train' / 'state.json').write_text('{')
  assert 'state.json cannot be read (' in error(folder)
  (folder / 'dataset_dict.json').write_text(json.dumps({'splits': 3}))
  assert 'dataset_dict.json cannot be read (splits is no list)' in error(folder)
