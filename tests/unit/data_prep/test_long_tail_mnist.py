"""Elastic-InfoGAN's splits from small fake IDX files, the published rows, and real MNIST."""

import gzip
from pathlib import Path
import re

import numpy as np
import pytest

from data_prep import build, idx_files, long_tail_mnist, mnist_pair, preparation
from data_prep.long_tail import indices_sha256
from data_prep.long_tail_mnist import split_counts, split_indices
from tests.support.data_prep.real_splits import REAL_SHA256

REAL_TOTALS = [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]


@pytest.fixture
def load(tmp_path):
  def load(config, split='train', source=''):
    return build.load(f'long_tail_mnist/{config}', split, str(source), str(tmp_path / 'tfds'))

  return load


@pytest.fixture
def error(load, tmp_path):
  """error(source, config) -> the one-line error; checks that no files remain."""

  def error(source, config='split_00'):
    with pytest.raises(build.UserError) as raised:
      load(config, source=source)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  return error


# The published rows ----------------------------------------------------------------------------


def test_split_counts():
  assert split_counts(0) == [6300, 1585, 1407, 6134, 5812, 4882, 2424, 4785, 6125, 3340]
  assert split_counts(49) == [2422, 1588, 4590, 4061, 5445, 1940, 1324, 4621, 1947, 6300]
  rows = np.array([split_counts(split) for split in range(50)])
  assert rows.shape == (50, 10)
  assert rows.min() == 684
  assert (rows.max(axis=1) == 6300).all()
  assert (rows <= REAL_TOTALS).all()
  assert len({tuple(row) for row in rows}) == 50
  # Eq. 5 of the paper: the sum of the squared frequencies is 0.119 +- 0.008 over the splits.
  squares = ((rows / rows.sum(axis=1, keepdims=True)) ** 2).sum(axis=1)
  assert squares.mean() == pytest.approx(0.1199, abs=1e-4)
  assert squares.std() == pytest.approx(0.0079, abs=1e-4)


def test_split_counts_cannot_be_changed_by_the_caller():
  split_counts(3)[0] = 0
  assert split_counts(3)[0] == 2945


@pytest.mark.parametrize('split', [-1, 50, '0', 0.5])
def test_an_unknown_split(split):
  with pytest.raises(ValueError, match=r'split=.*: expected an integer in 0\.\.49'):
    split_counts(split)


# The choice of images --------------------------------------------------------------------------


def test_split_indices(fake_mnist, mnist_layout):
  def split_indices(*arguments, **keywords):
    return long_tail_mnist.split_indices(*arguments, **keywords, layout=mnist_layout)

  chosen = split_indices(fake_mnist.labels, 4)
  assert chosen.dtype == np.int64
  assert (np.diff(chosen) > 0).all()
  assert np.bincount(fake_mnist.labels[chosen]).tolist() == [5, 9, 8, 7, 6, 5, 4, 3, 2, 1]
  np.testing.assert_array_equal(chosen, split_indices(fake_mnist.labels, 4, seed=0))
  # Splits 4 and 17 have equal counts; neither they nor two seeds share images.
  draws = [split_indices(fake_mnist.labels, *at) for at in ((4, 0), (17, 0), (4, 1), (17, 1))]
  assert len({draw.tobytes() for draw in draws}) == 4


def test_bad_split_indices():
  with pytest.raises(ValueError, match='must be the 70000 of the pool, got 120'):
    split_indices(np.zeros(120, int), 0)
  with pytest.raises(ValueError, match='seed=-1: expected a non-negative integer'):
    split_indices(np.zeros(70_000, int), 0, -1)
  with pytest.raises(ValueError, match='class 0 has 0 images to choose from, 6300 are needed'):
    split_indices(np.ones(70_000, int), 0)


# The builder -----------------------------------------------------------------------------------


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('rename', [str, lambda name: name.replace('-idx', '.idx')])
def test_configs(zipped, rename, fake_mnist, mnist_layout, load, tmp_path):
  source = fake_mnist.write(tmp_path / 'mnist', zipped, rename)
  split, pool, full = (load(name, source=source) for name in ('split_09', 'pool', 'full'))
  np.testing.assert_array_equal(pool.images[..., 0], fake_mnist.images)
  np.testing.assert_array_equal(pool.labels, fake_mnist.labels)
  np.testing.assert_array_equal(full.images[..., 0], fake_mnist.images[:120])
  # A replica that indexes the pool gets the prepared split.
  chosen = split_indices(pool.labels, 9, layout=mnist_layout)
  np.testing.assert_array_equal(split.images, pool.images[chosen])
  np.testing.assert_array_equal(split.labels, pool.labels[chosen])
  for config in ('split_09', 'pool', 'full'):
    test = load(config, 'test')
    np.testing.assert_array_equal(test.images[..., 0], fake_mnist.images[120:])
    np.testing.assert_array_equal(test.labels, fake_mnist.labels[120:])
    assert test.metadata['test']['indices_sha256'] == indices_sha256(np.arange(120, 140))

  facts = split.metadata
  assert facts['train']['class_counts'] == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
  assert facts['train']['indices_sha256'] == indices_sha256(chosen)
  assert (facts['pixels'], facts['order'], facts['split']) == ('exact', 'original', 9)
  assert (facts['imbalance_ratio'], facts['n_max'], facts['seed']) == (10, 10, 0)
  assert pool.metadata['split'] is None
  assert pool.metadata['imbalance_ratio'] is None
  assert split.class_names == tuple('0123456789')
  assert facts['labelled']
  assert split.key.startswith('long_tail_mnist/split_09/1.0.0/train/')


def test_other_contents_have_separate_folders(mnist_layout, fake_mnist, make_mnist, load, tmp_path):
  sources = [make_mnist(k).write(tmp_path / str(k)) for k in range(3)]
  parts = [load('split_03', source=source) for source in sources]
  names = [part.metadata['full_name'].split('/')[1] for part in parts]
  assert names[0] == 'split_03'
  assert all(re.fullmatch(r'split_03-[0-9a-f]{10}', name) for name in names[1:])
  assert len(set(names)) == 3
  assert [part.metadata['pixels'] for part in parts] == ['exact', 'unverified', 'unverified']
  assert parts[1].metadata['order'] == 'of the source, train before test'
  for k, name in enumerate(names):
    chosen = split_indices(make_mnist(k).labels, 3, layout=mnist_layout)
    np.testing.assert_array_equal(parts[k].images[..., 0], make_mnist(k).images[chosen])
    assert load(name).key == load(name, source=sources[k]).key == parts[k].key
  with pytest.raises(build.UserError, match=f'source .* makes {names[2]}'):
    load(names[1], source=sources[2])
  with pytest.raises(build.UserError, match=rf'pool-{"0" * 10} is not prepared in .*: give its'):
    load(f'pool-{"0" * 10}')


def test_the_builder_alone_does_not_mix_contents(mnist_layout, make_mnist, tmp_path):
  source = make_mnist(1).write(tmp_path / 'other')
  builder = long_tail_mnist.LongTailMnist(
    layout=mnist_layout, config='pool', source=str(source), data_dir=str(tmp_path / 'tfds')
  )
  with pytest.raises(build.UserError, match=r'is not MNIST, but makes long_tail_mnist/pool-'):
    builder.download_and_prepare()


def test_relabelled_images_are_other_contents(fake_mnist, load, tmp_path):
  fake_mnist.labels = 9 - fake_mnist.labels
  relabelled = load('pool', source=fake_mnist.write(tmp_path / 'relabelled'))
  assert relabelled.metadata['pixels'] == 'unverified'


def test_prepared_data_of_other_pixels_is_refused(fake_mnist, load, tmp_path):
  source = fake_mnist.write(tmp_path / 'mnist')
  folder = preparation.prepare('long_tail_mnist/full', str(source), str(tmp_path / 'tfds')).data_dir
  metadata = Path(folder) / 'metadata.json'
  metadata.write_text(metadata.read_text().replace('"exact"', '"unverified"'))
  with pytest.raises(build.UserError, match=f'{folder} was prepared from .* unverified pixels'):
    load('full', source=source)


def test_missing_files(fake_mnist, error, tmp_path):
  for source in (tmp_path / 'nothing', tmp_path):
    line = error(source)
    assert all(name in line for name in fake_mnist.files())
    assert '--config.data.source' in line
  source = fake_mnist.write(tmp_path / 'mnist')
  (source / 't10k-labels-idx1-ubyte.gz').unlink()
  assert f'source {source} has no t10k-labels-idx1-ubyte; name a folder' in error(source)


def test_damaged_files(fake_mnist, error, tmp_path):
  source = fake_mnist.write(tmp_path / 'mnist', zipped=False)
  file = source / 'train-images-idx3-ubyte'
  whole = file.read_bytes()
  file.write_bytes(whole[:-1])
  assert f'IDX file {file} is truncated' in error(source)
  file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
  line = error(source)
  assert line.startswith(f'{file} is damaged or of another data set')
  assert "while t10k-images-idx3-ubyte is MNIST's" in line
  file.write_bytes((source / 't10k-images-idx3-ubyte').read_bytes())
  assert f'{file} has the shape (20, 28, 28), MNIST has (120, 28, 28)' in error(source)
  file.write_bytes(gzip.compress(whole)[:-20])
  assert f'IDX file {file} cannot be read' in error(source)


@pytest.mark.parametrize('change', [lambda y: y + 1, lambda y: np.where(y == 4, 5, y)])
def test_ten_classes_are_needed(change, fake_mnist, make_mnist, error, tmp_path):
  other = make_mnist(1)
  other.labels = change(other.labels).astype(np.uint8)
  assert 'needed are 10 with labels 0..9' in error(other.write(tmp_path / 'other'))


@pytest.mark.parametrize('config', ['', 'split_50', 'split_7', 'test', 'pool-1', 'pool-'])
def test_unknown_configs(config, error):
  line = error('', config)
  assert f'long_tail_mnist/{config} is unknown; allowed' in line
  assert 'split_00 .. split_49, long_tail_mnist/pool, long_tail_mnist/full, long_tail' in line


@pytest.fixture
def website(fake_mnist, mnist_layout, use_edition, web_server):
  """A served folder that replaces the site of MNIST."""
  published = mnist_layout.published._replace(url=f'{web_server[1]}/')
  use_edition('long_tail_mnist', layout=mnist_layout._replace(published=published))
  return web_server[0]


def test_download(fake_mnist, mnist_layout, load, website):
  for name, data in fake_mnist.files().items():
    (website / f'{name}.gz').write_bytes(gzip.compress(data, mtime=0))
  split = load('split_00')
  chosen = split_indices(fake_mnist.labels, 0, layout=mnist_layout)
  np.testing.assert_array_equal(split.labels, fake_mnist.labels[chosen])
  assert split.metadata['pixels'] == 'exact'
  for file in website.iterdir():  # Other configs use the kept files.
    file.unlink()
  assert len(load('pool').labels) == 140


def test_failed_download(error, website):
  assert re.search(r'gz cannot be downloaded .*: name a folder .*--config.data.source', error(''))


def test_urls_match_tfds():
  from tensorflow_datasets.core.download import checksums

  registered = checksums.get_all_url_infos()
  for name, own in long_tail_mnist.MNIST.files.items():
    assert registered[f'{long_tail_mnist.MNIST.url}{name}.gz'].checksum == own.sha256


# Zeros and fours -------------------------------------------------------------------------------


def test_pair_counts():
  assert [mnist_pair.pair_counts(ratio) for ratio in mnist_pair.RATIOS] == [
    [700 * zeros, 7000 - 700 * zeros] for zeros in range(9, 0, -1)
  ]
  assert REAL_TOTALS[0] >= 6300 <= REAL_TOTALS[4]


def test_zeros_and_fours(fake_mnist, mnist_layout, load, tmp_path):
  source = fake_mnist.write(tmp_path / 'mnist')
  ratio, pool, full = (load(f'zero_four_{c}', source=source) for c in ('8_2', 'pool', 'full'))
  both = np.flatnonzero(np.isin(fake_mnist.labels, (0, 4)))
  assert pool.class_names == ratio.class_names == full.class_names == ('0', '4')
  np.testing.assert_array_equal(pool.images[..., 0], fake_mnist.images[both])
  np.testing.assert_array_equal(pool.labels, fake_mnist.labels[both] // 4)
  assert full.metadata['train']['class_counts'] == [12, 12]
  assert ratio.metadata['train']['class_counts'] == [8, 2]
  assert (ratio.metadata['imbalance_ratio'], pool.metadata['imbalance_ratio']) == (4, None)
  chosen = mnist_pair.pair_indices(pool.labels, 'zero_four_8_2', mnist_layout.pair_total)
  np.testing.assert_array_equal(ratio.images, pool.images[chosen])
  np.testing.assert_array_equal(ratio.labels, pool.labels[chosen])
  assert ratio.metadata['train']['indices_sha256'] == indices_sha256(both[chosen])
  test = load('zero_four_8_2', 'test')
  np.testing.assert_array_equal(test.images[..., 0], fake_mnist.images[both[both >= 120]])


# Real MNIST ------------------------------------------------------------------------------------


def test_real_labels_give_the_pinned_selections(real_data):
  mnist = idx_files.read_folder(
    real_data('mnist/t10k-images-idx3-ubyte.gz').parent, long_tail_mnist.MNIST
  )
  assert (mnist.pixels, mnist.contents) == ('exact', '')
  assert np.bincount(mnist.labels).tolist() == REAL_TOTALS
  assert np.bincount(mnist.labels[60000:]).tolist()[:3] == [980, 1135, 1032]
  for split, sha256 in REAL_SHA256.items():
    assert indices_sha256(split_indices(mnist.labels, split)) == sha256


@pytest.mark.slow
def test_real_splits(real_data, load):
  source = real_data('mnist/t10k-images-idx3-ubyte.gz').parent
  split, pool = load('split_00', source=source), load('pool', source=source)
  np.testing.assert_array_equal(split.images, pool.images[split_indices(pool.labels, 0)])
  assert split.metadata['train']['indices_sha256'] == REAL_SHA256[0]
  assert split.metadata['train']['class_counts'] == split_counts(0)
