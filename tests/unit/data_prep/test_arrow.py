"""Arrow and Parquet files: layouts, columns, labels, damage."""

import concurrent.futures
import io
import json
import sys

import numpy as np
from PIL import Image
import pyarrow as pa
from pyarrow import ipc, parquet
import pytest

from data_prep import arrow, arrow_files, build
from data_prep.arrow import read_arrow
from jaxgan.errors import UserError
from tests.support.arrow_sets import encoded, save, save_splits, shades, table, write_parquet

TRAIN, TEST, VALIDATION = shades(10), shades(4, 100), shades(6, 200)


def shown(part):
  """The shade of each image."""
  return [int(image[0, 0, 0]) for image in part.images]


def assert_read(source, train=range(10), test=range(100, 104), passed_over=()):
  assert shown(source.train) == list(train)
  assert source.train.labels.tolist() == [i % 2 for i in range(len(train))]
  assert (source.test is None) == (test is None)
  if test is not None:
    assert shown(source.test) == list(test)
    assert source.test.labels.tolist() == [i % 2 for i in range(len(test))]
  assert source.class_names == ('cat', 'dog')
  assert source.labelled
  assert source.listed.passed_over == passed_over


def test_saved_splits(tmp_path):
  assert_read(read_arrow(save_splits(tmp_path / 'a', train=TRAIN, test=TEST)))
  three = {'train': TRAIN, 'validation': VALIDATION, 'test': TEST}
  source = read_arrow(save_splits(tmp_path / 'b', **three))
  assert_read(source, passed_over=(('rows of split validation', 6),))
  assert source.kind == 'Arrow files'
  assert source.pixels == 'unverified'
  source = read_arrow(save_splits(tmp_path / 'c', train=TRAIN, validation=VALIDATION))
  assert_read(source, test=range(200, 206))
  assert source.listed.changes == ('validation is the test split, as there is no test',)
  source = read_arrow(save_splits(tmp_path / 'd', all=TRAIN))
  assert_read(source, test=None)
  assert source.listed.changes == ('all is the training split, as there is no other',)


def test_a_saved_data_set_of_several_files_with_a_cache_beside_them(tmp_path):
  folder = save(tmp_path / 'a', TRAIN, num_shards=3)
  (folder / 'cache-0123.arrow').write_bytes(b'')
  assert_read(read_arrow(folder), test=None, passed_over=(('tables of no split', 1),))


@pytest.mark.parametrize(
  ('names', 'passed_over'),
  [
    (('data/train-00000-of-00001.parquet', 'data/test-00000-of-00001.parquet'), ()),
    (
      ('text/train-00000-of-00001-1f.parquet', 'text/test-00000-of-00001-2f.parquet'),
      (),
    ),
    (('train.parquet', 'test.parquet'), ()),
    (('TRAIN.PARQUET', 'my_eval.PARQUET'), ()),
    (('default/train/0000.parquet', 'default/test/0000.parquet'), ()),
    (('train/0.parquet', 'valid/0.parquet'), ()),
    (('train.parquet', 'test.parquet', 'extra.parquet'), (('rows of split extra', 6),)),
    (('train.parquet', 'test.parquet', 'dev.parquet'), (('rows of split validation', 6),)),
  ],
)
def test_layouts_of_parquet(names, passed_over, tmp_path):
  files = dict(zip(names, (TRAIN, TEST, VALIDATION), strict=False))
  folder = write_parquet(tmp_path / 'hub', files)
  (folder / 'README.md').write_text('---')
  write_parquet(folder / '.cache', {'x.parquet': TEST})
  source = read_arrow(folder)
  others = ('files that are no tables (.md)', 1), ('hidden folders', 1)
  assert_read(source, passed_over=(*passed_over, *others))
  assert source.kind == 'Parquet files'


def test_files_of_one_split(tmp_path):
  parts = {f'part-{i}.parquet': TRAIN.slice(4 * i, 4) for i in range(3)}
  assert_read(read_arrow(write_parquet(tmp_path, parts)), test=None)
  one = write_parquet(tmp_path / 'one', {'pets.parquet': TRAIN}) / 'pets.parquet'
  assert_read(read_arrow(one), test=None)
  with ipc.new_file(str(tmp_path / 'pets.arrow'), TRAIN.schema) as writer:
    writer.write_table(TRAIN)
  assert_read(read_arrow(tmp_path / 'pets.arrow'), test=None)


def test_other_files_are_counted(tmp_path):
  files = ('train', 'a/b/c/train', 'a/b/c/d/test', 'cache-1', '.cache/x', '@eaDir/x')
  files = dict.fromkeys([f'{file}.parquet' for file in files], TRAIN)
  folder = write_parquet(tmp_path / 'hub', files)
  for name in ('x.zip', 'r.csv', 'a/s.CSV', '.hidden'):
    (folder / name).write_bytes(b'')
  over = [
    ('files that are no tables (.csv)', 2),
    ('files that are no tables (.zip)', 1),
    ('hidden files', 1),
    ('hidden folders', 2),
    ('tables more than 2 folders deep', 2),
    ('tables of no split', 1),
  ]
  assert_read(read_arrow(folder), test=None, passed_over=tuple(over))
  assert_read(read_arrow(folder / 'train.parquet'), test=None)


def test_suffixes_in_upper_case(tmp_path):
  folder = write_parquet(tmp_path / 'hub', {'train.PARQUET': TRAIN, 'test.parquet': TEST})
  assert_read(read_arrow(folder))
  assert arrow.is_data_set(folder / 'train.PARQUET')
  assert_read(read_arrow(folder / 'train.PARQUET'), test=None)


def test_integers_as_floats(tmp_path):
  labels = (np.arange(10) % 2).astype(float).tolist()
  floats = table([encoded(shade) for shade in range(10)], labels)
  assert_read(read_arrow(write_parquet(tmp_path, {'a.parquet': floats})), test=None)


def test_features_in_another_form_are_ignored(tmp_path):
  other = table([encoded(shade) for shade in range(10)], (np.arange(10) % 2).tolist())
  other = other.replace_schema_metadata({'huggingface': '{"info": {"features": ["image"]}}'})
  source = read_arrow(write_parquet(tmp_path, {'a.parquet': other}))
  assert source.class_names == ('0', '1')
  assert len(source.train.images) == 10


def test_paths_that_are_not_data_sets(make_folder, tmp_path):
  pets = make_folder({'train/a/1.png': ((8, 8), 'RGB', 1)})
  write_parquet(pets, {'metadata.parquet': TRAIN})  # The metadata of an image folder.
  write_parquet(pets, {'features.parquet': pa.table({'feature': [1.0, 2.0]})})
  assert not any(map(arrow.is_data_set, (pets, tmp_path / 'none', pets / 'train/a/1.png')))
  write_parquet(pets, {'train/b/more.parquet': TRAIN})
  (pets / 'features.parquet').unlink()
  with pytest.raises(UserError, match=r'has images \(train/a/1.png\) beside a file of images'):
    arrow.is_data_set(pets)


def test_transparent_images_and_messages_on_images(tmp_path):
  images = [encoded(20 * i, 'RGBA', size=6 + i % 2) for i in range(4)]
  clear = io.BytesIO()
  Image.new('RGBA', (8, 8), (9, 9, 9, 0)).save(clear, 'PNG')
  save(tmp_path / 'a', table([clear.getvalue(), *images[1:]], [0, 1, 0, 1]))
  source = read_arrow(tmp_path / 'a', image_size=8, background='black')
  assert shown(source.train) == [0, 20, 40, 60]
  assert source.train.images.ground.num_laid == 1
  assert source.sizes == '6x6 to 8x8'
  assert source.changes == ('3 of 4 images are smaller than 8 and are enlarged',)


@pytest.mark.parametrize(
  ('given', 'names', 'numbers'),
  [
    (table([encoded(i) for i in range(4)], [1, 0, 1, 0], 'xy'), ('x', 'y'), [1, 0, 1, 0]),
    (table([encoded(i) for i in range(4)], [7, 10, 7, 10], None), ('7', '10'), [0, 1, 0, 1]),
    (table([encoded(i) for i in range(4)], [True, False] * 2, None), ('0', '1'), [1, 0, 1, 0]),
    (table([encoded(i) for i in range(4)], ['10', '9'] * 2, None), ('9', '10'), [1, 0, 1, 0]),
    (
      table([encoded(i) for i in range(4)], ['e\u0301', 'a', '\xe9', 'a'], None),
      ('a', '\xe9'),
      [1, 0, 1, 0],
    ),
    (
      table([encoded(i) for i in range(4)], [1, 0, 1, 0], 'xy', 'img', 'fine_label', id=[1] * 4),
      ('x', 'y'),
      [1, 0, 1, 0],
    ),
    # An unusual name, but the feature ClassLabel.
    (table([encoded(i) for i in range(4)], [1, 0] * 2, 'xy', 'photo', 'breed'), 'xy', [1, 0, 1, 0]),
  ],
)
def test_columns(given, names, numbers, tmp_path):
  source = read_arrow(save(tmp_path / 'a', given))
  assert source.class_names == tuple(names)
  assert source.train.labels.tolist() == numbers
  assert shown(source.train) == [0, 1, 2, 3]


@pytest.mark.parametrize('kind', ['binary', 'large_binary', 'string_view', 'fixed'])
def test_types_of_strings(kind, tmp_path):
  kind = pa.binary(1) if kind == 'fixed' else getattr(pa, kind)()
  view = pa.array([encoded(i) for i in range(4)], pa.binary_view())
  rows = pa.table({'image': view, 'label': pa.array(['b', 'a'] * 2).cast('binary').cast(kind)})
  file = tmp_path / 'a.arrow'
  with ipc.new_file(str(file), rows.schema) as writer:
    writer.write_table(rows)
  source = read_arrow(file)
  assert source.class_names == ('a', 'b')
  assert source.train.labels.tolist() == [1, 0, 1, 0]
  assert shown(source.train) == [0, 1, 2, 3]


def test_names_without_images_are_left_out(tmp_path):
  four = [encoded(i) for i in range(4)]
  files = {split: table(four, [2, 9, 2, 9], 'abcdefghij') for split in ('train', 'test')}
  source = read_arrow(save_splits(tmp_path / 'a', **files))
  assert source.class_names == ('c', 'j')
  assert source.train.labels.tolist() == [0, 1, 0, 1]
  assert source.changes == ('8 classes without images are left out',)
  source = read_arrow(save(tmp_path / 'b', table(four, [0] * 4)))
  assert source.class_names == ('cat',)
  assert source.changes == ('1 class without images is left out',)


def test_columns_without_the_features(tmp_path):
  plain = pa.table({'image': [encoded(i) for i in range(4)], 'labels': ['b', 'a'] * 2})
  plain = plain.set_column(1, 'labels', plain['labels'].dictionary_encode())
  source = read_arrow(write_parquet(tmp_path, {'a.parquet': plain}))
  assert source.class_names == ('a', 'b')
  assert source.train.labels.tolist() == [1, 0, 1, 0]
  source = read_arrow(write_parquet(tmp_path / 'b', {'a.parquet': plain.select(['image'])}))
  assert source.class_names == ('unlabelled',)
  assert not source.labelled


def test_kinds_of_images(tmp_path):
  grey, jpeg = shades(4, mode='L'), shades(4, 50, kind='JPEG')
  source = read_arrow(save(tmp_path / 'grey', grey))
  assert source.train.images.shape == (4, 8, 8, 1)
  assert source.pixels == 'unverified'
  source = read_arrow(write_parquet(tmp_path / 'b', {'train.parquet': grey, 'test.parquet': jpeg}))
  assert source.train.images.shape == (4, 8, 8, 3)
  assert source.pixels == 'jpeg'
  assert shown(source.test) == [50, 51, 52, 53]
  assert read_arrow(tmp_path / 'b', image_size=4).train.images.shape == (4, 4, 4, 3)


def test_rows_of_a_parquet_file_in_any_order(tmp_path):
  """300 rows take several reads, each of a group or of 250 rows."""
  rows = pa.table({'image': [b'%d' % i for i in range(300)]})
  for size in (7, 100, 300):
    write_parquet(tmp_path, {f'{size}.parquet': rows}, size)
    file = arrow_files.open_table(tmp_path / f'{size}.parquet')
    file.use_images('image')
    order = np.random.default_rng(0).permutation(300).tolist()
    for positions in (range(300), range(0, 300, 41), order):
      with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(file.image, positions)) == [b'%d' % i for i in positions]


def test_memory_does_not_grow_with_the_rows(tmp_path):
  """Of 40 MB of images, a few batches are in memory."""
  noise = np.random.default_rng(0)
  rows = pa.table({'image': [noise.bytes(10_000) for _ in range(4000)]})
  parquet.write_table(rows, tmp_path / 'a.parquet', row_group_size=100)
  del rows
  file = arrow_files.open_table(tmp_path / 'a.parquet')
  before, most = pa.total_allocated_bytes(), 0
  file.use_images('image')
  for row in range(4000):
    file.image(row)
    most = max(most, pa.total_allocated_bytes() - before)
  assert most < 20e6


def test_preparing(tmp_path):
  folder = save_splits(tmp_path / 'pets', train=TRAIN, test=TEST)
  train = build.load('long_tail_folder', 'train', str(folder), str(tmp_path / 'tfds'))
  assert shown(train) == list(range(10))
  assert train.class_names == ('cat', 'dog')
  assert train.metadata['order'] == 'by file, then row'
  assert 'long_tail_folder/pets-' in train.metadata['full_name']
  write_parquet(tmp_path, {'pets.parquet': TRAIN})
  train = build.load('long_tail_folder', 'train', f'{tmp_path}/pets.parquet', f'{tmp_path}/tfds')
  assert len(train.labels) == 8
  assert 'long_tail_folder/pets-' in train.metadata['full_name']


def test_a_column_of_lists_beside_the_images(tmp_path):
  """Older versions of the library `datasets` describe the column by a list."""
  images = [encoded(i) for i in range(4)]
  tagged = table(images, [0, 1, 0, 1], tags=[['a'], [], ['b', 'c'], ['a']])
  info = json.loads(tagged.schema.metadata[b'huggingface'])
  info['info']['features']['tags'] = [{'dtype': 'string', '_type': 'Value'}]
  write_parquet(
    tmp_path, {'a.parquet': tagged.replace_schema_metadata({'huggingface': json.dumps(info)})}
  )
  source = read_arrow(tmp_path)
  assert shown(source.train) == [0, 1, 2, 3]
  assert source.passed_over == (('column tags', 1),)


def test_without_pyarrow(tmp_path, monkeypatch):
  file = write_parquet(tmp_path, {'a.parquet': TRAIN}) / 'a.parquet'
  monkeypatch.setitem(sys.modules, 'pyarrow', None)
  with pytest.raises(UserError, match='needs pyarrow: pip install pyarrow'):
    read_arrow(file)


@pytest.mark.slow
def test_files_of_the_library_datasets(tmp_path):
  datasets = pytest.importorskip('datasets')
  features = datasets.Features(
    {'image': datasets.Image(), 'label': datasets.ClassLabel(names=['cat', 'dog'])}
  )

  def split(count, first=0, **how):
    images = [{'bytes': encoded(first + i, **how), 'path': None} for i in range(count)]
    columns = {'image': images, 'label': [i % 2 for i in range(count)]}
    return datasets.Dataset.from_dict(columns, features=features)

  whole = datasets.DatasetDict(train=split(10), validation=split(6, 200), test=split(4, 100))
  over = (('rows of split validation', 6),)
  whole.save_to_disk(tmp_path / 'saved', num_shards={'train': 3, 'validation': 1, 'test': 1})
  assert_read(read_arrow(tmp_path / 'saved'), passed_over=over)
  for name, contents in whole.items():
    contents.to_parquet(tmp_path / 'hub' / 'data' / f'{name}-00000-of-00001.parquet')
  assert_read(read_arrow(tmp_path / 'hub'), passed_over=over)
  split(10).save_to_disk(tmp_path / 'one')
  assert_read(read_arrow(tmp_path / 'one'), test=None)
  split(10).select(range(9, -1, -1)).save_to_disk(tmp_path / 'turned')
  assert shown(read_arrow(tmp_path / 'turned').train) == list(range(9, -1, -1))
  split(4, mode='L').save_to_disk(tmp_path / 'grey')
  assert read_arrow(tmp_path / 'grey').train.images.shape == (4, 8, 8, 1)
  split(4, kind='JPEG').to_parquet(tmp_path / 'jpeg.parquet')
  assert read_arrow(tmp_path / 'jpeg.parquet').pixels == 'jpeg'
