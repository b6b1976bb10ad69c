"""Long-tailed Fashion-MNIST from small fake IDX files, its published facts, and the real files."""

import gzip

import numpy as np
import pytest

from data_prep import build, idx_files, long_tail
from data_prep.long_tail_fashion_mnist import (
  CONFIGS,
  FASHION_MNIST,
  LAYOUT,
  Layout,
  LongTailFashionMnist,
)
from jaxgan.errors import UserError
from tests.support.data_prep.fakes import FakeMnist, published_as

COUNTS = [12, 9, 7, 5, 4, 3, 2, 2, 1, 1]  # floor(12 * 10^(-k/9))
REAL_SHA256 = {
  'ratio_100': 'd177bc85b3080ef2a287ef79b99dd5d5bd85abf44f473270d4b3728780d43d63',
  'ratio_50': 'e13474151f02e4fe844218349c867f5967963b225a46bf9568d4eb1fc9407124',
  'ratio_10': '660aa0ea34f4f132483e2438b41fdfc06096474bfe13f6bf09914f71fc7897f0',
  'ratio_1': 'fe4e39bbf5e7508e2743343e541d967d3a36c5d8560d34e7e1d41073ece735ba',
}


@pytest.fixture
def fake_layout():
  """The fake of seed 0 as Fashion-MNIST."""
  return Layout(published_as(FakeMnist(), FASHION_MNIST), 12)


@pytest.fixture
def fake(use_edition, fake_layout):
  """A fake Fashion-MNIST, which `long_tail_fashion_mnist` accepts."""
  use_edition('long_tail_fashion_mnist', layout=fake_layout)
  return FakeMnist()


@pytest.fixture
def load(tmp_path):
  def load(config, split='train', source=''):
    name = f'long_tail_fashion_mnist/{config}'
    return build.load(name, split, str(source), str(tmp_path / 'tfds'))

  return load


@pytest.mark.parametrize('zipped', [True, False])
def test_splits(zipped, fake, load, tmp_path):
  source = fake.write(tmp_path / 'fashion', zipped)
  train, test = load('ratio_10', source=source), load('ratio_10', 'test')
  chosen = long_tail.select_indices(fake.labels[:120], COUNTS, 0)
  np.testing.assert_array_equal(train.images[..., 0], fake.images[chosen])
  np.testing.assert_array_equal(train.labels, fake.labels[chosen])
  np.testing.assert_array_equal(test.images[..., 0], fake.images[120:])
  np.testing.assert_array_equal(test.labels, fake.labels[120:])
  facts = train.metadata
  assert facts['train']['class_counts'] == COUNTS
  assert facts['train']['indices_sha256'] == long_tail.indices_sha256(chosen)
  assert facts['test']['indices_sha256'] == long_tail.indices_sha256(np.arange(120, 140))
  assert (facts['pixels'], facts['order']) == ('exact', 'original')
  assert (facts['imbalance_ratio'], facts['n_max'], facts['seed']) == (10, 12, 0)
  assert train.key.startswith('long_tail_fashion_mnist/ratio_10/1.0.0/train/')


def test_bad_sources(fake, load, tmp_path):
  def error(source, config='ratio_10'):
    with pytest.raises(UserError) as raised:
      load(config, source=source)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  line = error(tmp_path / 'nothing')
  assert 'is not a folder; name a folder with the four files train-images-idx3-ubyte' in line
  other = FakeMnist(1).write(tmp_path / 'other')
  assert f'source {other}: none of the four files is Fashion-MNIST' in error(other)
  mixed = fake.write(tmp_path / 'mixed')
  file = mixed / 't10k-labels-idx1-ubyte.gz'
  file.write_bytes((other / file.name).read_bytes())
  assert "while train-labels-idx1-ubyte.gz is Fashion-MNIST's" in error(mixed)
  assert 'allowed: long_tail_fashion_mnist/ratio_100, ' in error('', 'ratio_7')


def test_download(fake, fake_layout, use_edition, load, web_server):
  root, url = web_server
  published = fake_layout.published._replace(url=f'{url}/')
  use_edition('long_tail_fashion_mnist', layout=fake_layout._replace(published=published))
  with pytest.raises(UserError, match=r'ubyte.gz cannot be downloaded .*: name a folder .*source'):
    load('ratio_1')
  for name, data in fake.files().items():
    (root / f'{name}.gz').write_bytes(gzip.compress(data, mtime=0))
  assert load('ratio_1').metadata['train']['class_counts'] == [12] * 10


def test_the_published_facts():
  from tensorflow_datasets.core.download import checksums

  registered = checksums.get_all_url_infos()
  for name, own in FASHION_MNIST.files.items():
    assert registered[f'{FASHION_MNIST.url}{name}.gz'].checksum == own.sha256
  assert (FASHION_MNIST.num_train, FASHION_MNIST.num_test) == (60_000, 10_000)
  assert LAYOUT.train_per_class * len(LongTailFashionMnist.class_names) == 60_000
  counts = {c: long_tail.class_counts(LAYOUT.train_per_class, 10, r) for c, r in CONFIGS.items()}
  assert [counts[f'ratio_{r}'][-1] for r in (100, 50, 10, 1)] == [60, 120, 600, 6000]


def test_real_files(real_data):
  """Any gzip of the published contents is recognised, such as Debian's."""
  folder = real_data('fashion_mnist/t10k-images-idx3-ubyte.gz').parent
  pool = idx_files.read_folder(folder, FASHION_MNIST)
  assert (pool.pixels, pool.contents) == ('exact', '')
  assert np.bincount(pool.labels[:60_000]).tolist() == [6000] * 10
  assert np.bincount(pool.labels[60_000:]).tolist() == [1000] * 10
  for config, sha256 in REAL_SHA256.items():
    counts = long_tail.class_counts(LAYOUT.train_per_class, 10, CONFIGS[config])
    chosen = long_tail.select_indices(pool.labels[:60_000], counts, 0)
    assert long_tail.indices_sha256(chosen) == sha256
