"""Long-tailed CIFAR-10 from small fake copies in every accepted form, and from a real copy."""

import functools
import hashlib
import os
import pickle
import socket

import numpy as np
import pytest

from data_prep import (
  build,
  cifar_batches,
  download,
  long_tail,
  long_tail_cifar,
  long_tail_cifar10,
  preparation,
)
from tests.support.data_prep import cifar10_jpeg

REAL_SHA256 = {
  'ratio_100': '1bfa35f41734a69fb966ca71beae3b92f5439f2b8c20165704f0dd3d3baadaf4',
  'ratio_10': 'c73aaa6fc332a6d73396a201e5276065521b8569e6d3a865268bb0bc232d176f',
  'ratio_1': '33236cc6bd19fa6b89e06d441d3fcd8eb37dc8540f6a4f2b627b20af10894a41',
  'ratio_200': '1365c90acf4d5750f7cb4e95e05f9683f32f077e48c797feb625bde947ca7b02',
  'ratio_1000': 'f679fca247c14ac94a3951202e6f874e51f70d3550e5f5dca701a3f70811f942',
  'labelled_5': '78ebc1ef4efccfb81bc58e48702cd033f0c3941ad5f0f59a8702e6013c9077f6',
}
COUNTS = [10, 7, 5, 4, 3, 2, 2, 1, 1, 1]  # floor(10 * 10^(-k/9))


def make_source(form, fake, root):
  if form == 'python archive':
    return fake.write_archive(root / 'cifar-10-python.tar.gz', 'cifar-10-batches-py', fake.python())
  if form == 'binary archive':
    return fake.write_archive(
      root / 'cifar-10-binary.tar.gz', 'cifar-10-batches-bin', fake.binary()
    )
  if form == 'folder with an archive':
    return make_source('binary archive', fake, root).parent
  if form == 'python folder':
    return fake.write_folder(root / 'cifar-10-batches-py', fake.python())
  if form == 'parent of binary folder':
    return fake.write_folder(root / 'cifar-10-batches-bin', fake.binary()).parent
  if form == 'npz':
    np.savez(root / 'cifar10.npz', **fake.arrays())
    return root / 'cifar10.npz'
  return fake.write_png_folders(root / 'pictures')


@pytest.mark.parametrize(
  'form',
  [
    'python archive',
    'binary archive',
    'folder with an archive',
    'python folder',
    'parent of binary folder',
    'npz',
  ],
)
def test_forms_in_the_original_order(form, fake_cifar10, tmp_path):
  source = make_source(form, fake_cifar10, tmp_path)
  load = functools.partial(
    build.load, 'long_tail_cifar10/ratio_10', source=str(source), data_dir=str(tmp_path / 'tfds')
  )
  train, test = load('train'), load('test')
  chosen = long_tail.select_indices(fake_cifar10.labels, COUNTS, seed=0)
  np.testing.assert_array_equal(train.images, fake_cifar10.images[chosen])
  np.testing.assert_array_equal(train.labels, fake_cifar10.labels[chosen])
  np.testing.assert_array_equal(test.images, fake_cifar10.test_images)
  np.testing.assert_array_equal(test.labels, fake_cifar10.test_labels)
  assert train.metadata['train']['indices_sha256'] == long_tail.indices_sha256(chosen)
  assert train.metadata['train']['class_counts'] == COUNTS
  assert train.metadata['pixels'] == ('unverified' if form == 'npz' else 'exact')
  assert train.metadata['imbalance_ratio'] == 10
  assert train.class_names[0] == 'airplane'
  assert train.class_names[9] == 'truck'


def test_class_folders_give_the_same_images(fake_cifar10, tmp_path):
  # Files are numbered in the original order of each class, so ranks agree.
  source = make_source('class folders', fake_cifar10, tmp_path)
  train = build.load('long_tail_cifar10/ratio_10', 'train', str(source), str(tmp_path / 'tfds'))
  chosen = long_tail.select_indices(fake_cifar10.labels, COUNTS, seed=0)
  expected = {fake_cifar10.images[i].tobytes() for i in chosen}
  assert {image.tobytes() for image in train.images} == expected
  assert 'not known' in train.metadata['order']


def test_few_labels_are_the_first_of_each_class(fake_cifar10, tmp_path):
  source, data_dir = str(make_source('npz', fake_cifar10, tmp_path)), str(tmp_path / 'tfds')
  few, all_test = (
    build.load('long_tail_cifar10/labelled_5', split, source, data_dir)
    for split in ('train', 'test')
  )
  chosen = np.sort(
    np.concatenate([long_tail.shuffled_class(fake_cifar10.labels, k, 0)[:5] for k in range(10)])
  )
  np.testing.assert_array_equal(few.images, fake_cifar10.images[chosen])
  assert few.metadata['train']['class_counts'] == [5] * 10
  assert few.metadata['train']['indices_sha256'] == long_tail.indices_sha256(chosen)
  assert (few.metadata['n_max'], few.metadata['imbalance_ratio']) == (5, 1)
  assert len(all_test.labels) == len(fake_cifar10.test_labels)


def test_prepared_data_is_found_without_a_source_and_not_mixed(fake_cifar10, tmp_path):
  data_dir = str(tmp_path / 'tfds')
  archive = make_source('binary archive', fake_cifar10, tmp_path)
  name = 'long_tail_cifar10/ratio_10'
  first = build.load(name, 'train', source=str(archive), data_dir=data_dir)
  again = build.load(name, 'train', data_dir=data_dir)
  assert first.key == again.key
  np.savez(tmp_path / 'copy.npz', **fake_cifar10.arrays(), pixels='jpeg')
  with pytest.raises(ValueError, match=r'prepared from a source with exact.*has jpeg pixels'):
    preparation.prepare(name, source=str(tmp_path / 'copy.npz'), data_dir=data_dir)


def test_bad_sources(fake_cifar10, tmp_path):
  def error(source):
    with pytest.raises(build.UserError) as raised:
      preparation.prepare('long_tail_cifar10/ratio_1', str(source), str(tmp_path / 'tfds'))
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  assert 'does not exist' in error(tmp_path / 'nothing')
  assert 'cifar-10-python.tar.gz' in error(tmp_path)

  archive = make_source('python archive', fake_cifar10, tmp_path)
  whole = archive.read_bytes()
  archive.write_bytes(whole[: len(whole) // 2])
  assert 'not a readable .tar.gz' in error(archive)
  archive.write_bytes(b'not an archive')
  assert 'not a readable .tar.gz' in error(archive)

  files = fake_cifar10.binary()
  folder = fake_cifar10.write_folder(tmp_path / 'cifar-10-batches-bin', files)
  (folder / 'data_batch_3.bin').write_bytes(files['data_batch_3.bin'][:-5])
  assert 'data_batch_3.bin' in error(folder)
  assert 'damaged' in error(folder)
  (folder / 'data_batch_3.bin').unlink()
  assert 'has no data_batch_3.bin' in error(folder)

  arrays = fake_cifar10.arrays()
  np.savez(tmp_path / 'a.npz', images=arrays['images'], labels=arrays['labels'])
  assert 'no test images' in error(tmp_path / 'a.npz')
  np.savez(tmp_path / 'a.npz', images=arrays['images'], test_images=arrays['test_images'])
  assert 'a.npz has no labels; accepted' in error(tmp_path / 'a.npz')
  labels = arrays['labels'].copy()
  labels[np.flatnonzero(labels == 9)[0]] = 3
  np.savez(tmp_path / 'b.npz', **{**arrays, 'labels': labels})
  assert 'class cat has 11 train images, CIFAR-10 has 10' in error(tmp_path / 'b.npz')
  np.savez(tmp_path / 'c.npz', **{**arrays, 'class_names': list('abcdefghij')})
  assert 'has the classes a, b' in error(tmp_path / 'c.npz')


def test_pickles_cannot_run_code(fake_cifar10, tmp_path):
  files = fake_cifar10.python()

  class Evil:
    def __reduce__(self):
      return os.mkdir, (str(tmp_path / 'owned'),)

  files['data_batch_2'] = pickle.dumps(Evil())
  folder = fake_cifar10.write_folder(tmp_path / 'cifar-10-batches-py', files)
  with pytest.raises(ValueError, match=r'data_batch_2 .* is damaged .*mkdir'):
    cifar_batches.read_batches(folder, cifar_batches.CIFAR10)
  assert not (tmp_path / 'owned').exists()


@pytest.fixture
def publish(use_edition, fake_copy):
  """publish(url=..., sha256=...) sets where the fake copy is downloaded from."""
  return lambda **changes: use_edition('long_tail_cifar10', copy=fake_copy._replace(**changes))


@pytest.fixture
def website(fake_cifar10, web_server, publish):
  """A served folder that replaces the site of CIFAR-10, and the URL of the archive."""
  root, url = web_server
  publish(url=f'{url}/cifar-10-binary.tar.gz')
  return root, f'{url}/cifar-10-binary.tar.gz'


def test_download(fake_cifar10, website, publish, tmp_path):
  root, url = website
  archive = make_source('binary archive', fake_cifar10, root)
  digest = hashlib.sha256(archive.read_bytes()).hexdigest()
  data_dir = str(tmp_path / 'tfds')
  with pytest.raises(ValueError, match=r'has SHA-256 .*name it with --config.data.source'):
    preparation.prepare('long_tail_cifar10/ratio_10', data_dir=data_dir)
  publish(url=url, sha256=digest)
  train = build.load('long_tail_cifar10/ratio_10', 'train', data_dir=data_dir)
  assert len(train.labels) == sum(COUNTS)
  archive.unlink()  # Other configs use the kept archive.
  assert len(build.load('long_tail_cifar10/ratio_1', 'train', data_dir=data_dir).labels) == 100


def test_failed_download_leaves_nothing(website, tmp_path):
  with pytest.raises(ValueError, match=r'cannot be downloaded .*place cifar-10-binary\.tar\.gz'):
    preparation.prepare('long_tail_cifar10/ratio_10', data_dir=str(tmp_path / 'tfds'))
  assert not (tmp_path / 'tfds').exists()


def test_silent_network_does_not_hang(publish, tmp_path, monkeypatch):
  with socket.create_server(('127.0.0.1', 0)) as server:  # Accepts, never answers.
    url = f'http://127.0.0.1:{server.getsockname()[1]}/cifar-10-binary.tar.gz'
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    publish(url=url)
    monkeypatch.setattr(download, 'NETWORK_TIMEOUT_SECONDS', 0.3)
    with pytest.raises(ValueError, match='cannot be downloaded'):
      preparation.prepare('long_tail_cifar10/ratio_10', data_dir=str(tmp_path / 'tfds'))


@pytest.fixture
def real_copy(real_data):
  """The folder of the JPEG copy."""
  return real_data('cifar10_jpeg/cifar10_train_jpeg.npz').parent


def test_real_labels_give_the_pinned_selections(real_copy):
  with np.load(real_copy / 'cifar10_train_jpeg.npz') as archive:
    labels = archive['labels']
  assert long_tail.indices_sha256(labels) == long_tail_cifar10.LongTailCifar10.train_labels_sha256
  for config, fields in long_tail_cifar10.CONFIGS.items():
    counts = long_tail.class_counts(fields.get('n_max', 5000), 10, fields.get('ratio', 1))
    chosen = long_tail.select_indices(labels, counts, long_tail_cifar.SEED)
    assert long_tail.indices_sha256(chosen) == REAL_SHA256[config]


@pytest.mark.slow
def test_real_copy(real_copy, tmp_path):
  cifar10_jpeg.convert(real_copy, tmp_path / 'cifar10.npz')
  load = functools.partial(
    build.load,
    'long_tail_cifar10/ratio_100',
    source=str(tmp_path / 'cifar10.npz'),
    data_dir=str(tmp_path / 'tfds'),
  )
  train, test = load(split='train'), load(split='test')
  assert train.images.shape == (12406, 32, 32, 3)
  assert test.images.shape == (10000, 32, 32, 3)
  assert train.metadata['train']['indices_sha256'] == REAL_SHA256['ratio_100']
  assert train.metadata['order'] == 'original'
  assert train.metadata['pixels'] == 'jpeg'
