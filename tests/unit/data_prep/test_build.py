"""Preparing and loading: idempotent, atomic, no TensorFlow; the command line."""

import concurrent.futures
import os
from pathlib import Path
import subprocess
import sys
import tracemalloc

import jax
import numpy as np
import pytest

from data_prep import array_builder, build, long_tail_fashion, preparation
from jaxgan.system import lock
from tests.support import progress_lines

NAME = 'long_tail_fashion/ratio_50'
ROOT = Path(__file__).parents[3]


def test_prepare_is_idempotent(tmp_path, monkeypatch):
  first = preparation.prepare(NAME, data_dir=str(tmp_path))
  assert sorted(first.info.splits) == ['test', 'train']
  monkeypatch.setattr(long_tail_fashion, 'read_images', lambda: pytest.fail('prepared again'))
  assert preparation.prepare(NAME, data_dir=str(tmp_path)).data_dir == first.data_dir


def test_load(tmp_path):
  train = build.load(NAME, 'train', data_dir=str(tmp_path))
  again = build.load(NAME, 'train', data_dir=str(tmp_path))
  assert train.key == again.key
  assert train.key.startswith(f'{NAME}/1.0.0/train/')
  np.testing.assert_array_equal(train.images, again.images)
  part = build.load(NAME, 'train[:20]', data_dir=str(tmp_path))
  np.testing.assert_array_equal(part.images, train.images[:20])
  assert part.key != train.key
  for split in ('valid', 'train[x]', ''):
    with pytest.raises(build.UserError, match=r'is unknown; allowed: t(rain, test|est, train)'):
      build.load(NAME, split, data_dir=str(tmp_path))


def test_jax_on_a_cpu_takes_loaded_images_without_a_copy(tmp_path):
  images = build.load(NAME, 'train', data_dir=str(tmp_path)).images
  device = jax.device_put(images, jax.devices('cpu')[0])
  assert device.unsafe_buffer_pointer() == images.ctypes.data


def test_the_same_preparation_gives_the_same_files(tmp_path):
  keys = {build.load(NAME, 'train', data_dir=str(tmp_path / name)).key for name in 'ab'}
  assert len(keys) == 1


def test_default_data_dir(tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path / 'env'))
  assert preparation.prepare(NAME).data_dir.startswith(str(tmp_path / 'env'))


def test_unknown_names_and_options(tmp_path):
  with pytest.raises(build.UserError, match='unknown; allowed: inaturalist2019, long_tail_cars3d'):
    preparation.prepare('cifar10', data_dir=str(tmp_path))
  with pytest.raises(build.UserError, match='image_size is not an option of long_tail_fashion'):
    preparation.prepare(NAME, data_dir=str(tmp_path), image_size=32)
  preparation.prepare(NAME, data_dir=str(tmp_path), image_size=None)


@pytest.mark.parametrize('failure', [RuntimeError, KeyboardInterrupt])
def test_a_failure_half_way_leaves_nothing(failure, tmp_path, monkeypatch):
  write = array_builder.ArrayBuilder._generate_examples

  def fail_later(self, name, split):
    for number, example in enumerate(write(self, name, split)):
      if number == 30:
        raise failure
      yield example

  data_dir = tmp_path / 'tfds'
  with monkeypatch.context() as patch:
    patch.setattr(array_builder.ArrayBuilder, '_generate_examples', fail_later)
    with pytest.raises(failure):
      preparation.prepare(NAME, data_dir=str(data_dir))
  assert not data_dir.exists()
  assert len(build.load(NAME, 'test', data_dir=str(data_dir)).labels) == 1000


class _Stream(array_builder.ArrayBuilder):
  """Two splits of incompressible noise, made during writing."""

  image_shape = (64, 64, 3)
  class_names = ('a', 'b')

  def read_splits(self, dl_manager):
    del dl_manager
    facts = {'source_kind': '', 'pixels': '', 'order': '', 'imbalance_ratio': None, 'seed': 0}
    return {name: self.split(n) for name, n in (('train', 1000), ('test', 10))}, facts

  @staticmethod
  def split(num_images):
    rng = np.random.default_rng(0)
    images = (rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(num_images))
    return array_builder.Split(images, np.arange(num_images) % 2, np.arange(num_images))


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
  """Of 12 MB of images, less than 3 MB are in memory at any time."""
  builder = _Stream(data_dir=str(tmp_path))
  tracemalloc.start()
  try:
    with preparation.quiet():
      builder.download_and_prepare()
    peak = tracemalloc.get_traced_memory()[1]
  finally:
    tracemalloc.stop()
  assert peak < 3e6
  digest = array_builder.ArraysDigest((1000, 64, 64, 3))
  images, labels, indices = _Stream.split(1000)
  digest.update(np.stack(list(images)))
  assert builder.info.metadata['train']['arrays_sha256'] == digest.hexdigest(labels, indices)


def test_a_split_needs_as_many_images_as_labels(tmp_path, monkeypatch):
  split = _Stream.split(5)
  monkeypatch.setattr(_Stream, 'split', lambda self, n: split._replace(labels=np.zeros(n, int)))
  with preparation.quiet(), pytest.raises(ValueError, match='zip'):
    _Stream(data_dir=str(tmp_path)).download_and_prepare()


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
  killed = tmp_path / 'long_tail_fashion' / 'ratio_50' / 'incomplete.ABCDEF_1.0.0'
  killed.mkdir(parents=True)
  (killed / 'dataset_info.json').write_text('{}')
  (killed.parent / '.lock').write_text('')
  assert len(build.load(NAME, 'test', data_dir=str(tmp_path)).labels) == 1000
  assert [path.name for path in killed.parent.iterdir()] == ['1.0.0']


def test_a_second_process_waits_and_uses_the_data_of_the_first(tmp_path):
  folder = tmp_path / 'long_tail_fashion' / 'ratio_50'
  with concurrent.futures.ThreadPoolExecutor() as pool, lock.turn(folder / '.lock'):
    second = pool.submit(build.load, NAME, 'test', data_dir=str(tmp_path))
    with pytest.raises(TimeoutError):
      second.result(timeout=0.5)
    (folder / 'incomplete.ABCDEF_1.0.0').mkdir()
    recipe = long_tail_fashion.recipe('ratio_50', '')
    with preparation.quiet():
      recipe.make(str(tmp_path)).download_and_prepare()
    prepared = (folder / '1.0.0').stat()
  assert len(second.result().labels) == 1000
  assert os.path.samestat(prepared, (folder / '1.0.0').stat())
  assert [path.name for path in folder.iterdir()] == ['1.0.0']


def test_data_dir_that_cannot_be_written(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(build.UserError, match=r'data_dir .*file: the data cannot be prepared'):
    preparation.prepare(NAME, data_dir=str(tmp_path / 'file'))


def _cut(file):
  file.write_bytes(file.read_bytes()[:-70000])


def _flip(file):
  data = bytearray(file.read_bytes())
  data[len(data) // 2] ^= 1
  file.write_bytes(data)


@pytest.mark.parametrize(
  ('pattern', 'damage'),
  [
    ('*train.array_record*', _cut),
    ('*train.array_record*', _flip),
    ('*train.array_record*', Path.unlink),
    ('dataset_info.json', Path.unlink),
    ('dataset_info.json', lambda file: file.write_text('{')),
    ('features.json', lambda file: file.write_text('{')),
    ('metadata.json', lambda file: file.write_text('{')),
    ('metadata.json', Path.unlink),
    ('metadata.json', lambda file: file.write_text('{}')),
  ],
)
def test_damaged_data(pattern, damage, tmp_path):
  folder = Path(preparation.prepare(NAME, data_dir=str(tmp_path)).data_dir)
  (file,) = folder.glob(pattern)
  damage(file)
  with pytest.raises(
    build.UserError, match=f'{folder} is damaged .*: delete that folder'
  ) as raised:
    build.load(NAME, 'train', data_dir=str(tmp_path))
  assert '\n' not in str(raised.value)


def test_altered_data(tmp_path):
  folder = Path(preparation.prepare(NAME, data_dir=str(tmp_path)).data_dir)
  other = Path(preparation.prepare('long_tail_fashion/ratio_1', data_dir=str(tmp_path)).data_dir)
  metadata = folder / 'metadata.json'
  metadata.write_text(metadata.read_text().replace('"arrays_sha256": "', '"arrays_sha256": "0'))
  with pytest.raises(build.UserError, match='contents differ'):
    build.load(NAME, 'train', data_dir=str(tmp_path))
  metadata.write_text((other / 'metadata.json').read_text())
  with pytest.raises(build.UserError, match='contradicts metadata'):
    preparation.prepare(NAME, data_dir=str(tmp_path))


@pytest.fixture
def command(tmp_path):
  """Runs the command with an unimportable `tensorflow` on the path."""
  (tmp_path / 'trap').mkdir()
  (tmp_path / 'trap' / 'tensorflow.py').write_text('raise SystemExit("TensorFlow was imported")')
  env = {**os.environ, 'PYTHONPATH': f'{tmp_path / "trap"}:{ROOT}'}

  def command(*flags, code=('-m', 'data_prep.build')):
    return subprocess.run(
      [sys.executable, *code, *flags], env=env, cwd=tmp_path, capture_output=True, text=True
    )

  return command


def test_command(command, tmp_path):
  done = command(f'--dataset={NAME}', f'--data_dir={tmp_path / "tfds"}')
  assert (done.returncode, progress_lines.without(done.stderr)) == (0, '')
  assert 'train   2516 images 16x16x1: T-shirt/top 900, Trouser 582' in done.stdout
  assert '3479e75454e7b9e1' in done.stdout
  assert str(tmp_path / 'tfds' / NAME / '1.0.0') in done.stdout
  code = f'from data_prep import build; print(len(build.load({NAME!r}, "test").labels))'
  loaded = command(code=('-c', f'import os; os.environ["TFDS_DATA_DIR"] = "tfds"; {code}'))
  assert loaded.stdout.strip() == '1000', loaded.stderr


def test_command_on_own_images(command, make_folder, tmp_path):
  source = make_folder({f'{c}/{i}.png': ((8, 8), 'RGB', (i, 0, 0)) for c in 'ab' for i in range(6)})
  flags = (f'--source={source}', '--image_size=4', '--imbalance_ratio=2.5', '--seed=2')
  done = command('--dataset=long_tail_folder', *flags, '--test_share=0.2', '--data_dir=tfds')
  assert (done.returncode, progress_lines.without(done.stderr)) == (0, '')
  assert 'train   7 images 4x4x3: a 5, b 2' in done.stdout
  assert 'ratio   2.5, seed 2' in done.stdout
  (prepared,) = (tmp_path / 'tfds' / 'long_tail_folder').iterdir()
  assert prepared.name.startswith('pets-ratio_2.5-size_4-seed_2-test_0.2-')


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--dataset=long_tail_cifar10/ratio_7'], 'allowed: long_tail_cifar10/ratio_100'),
    (['--dataset=long_tail_folder', '--source=none', '--seed=1'], 'source none does not exist'),
    ([], '--dataset is missing'),
  ],
)
def test_command_errors_are_one_line(flags, message, command, tmp_path):
  done = command(*flags, f'--data_dir={tmp_path / "tfds"}')
  assert done.returncode == 1
  assert done.stdout == ''
  assert message in done.stderr
  assert done.stderr.startswith('error: ')
  assert done.stderr.count('\n') == 1
  assert not (tmp_path / 'tfds').exists()
