"""Prepared data is found by contents, also if the source is renamed or missing."""

import shutil

import numpy as np
import pytest

from data_prep import build, prepared_names
from tests.support import progress_lines

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)


@pytest.fixture
def source(tmp_path):
  np.savez(tmp_path / 'pets.npz', images=IMAGES, labels=np.arange(12) % 2)
  return tmp_path / 'pets.npz'


@pytest.fixture
def load(tmp_path):
  def load(source, dataset='long_tail_folder', split='train', **options):
    return build.load(dataset, split, str(source), str(tmp_path / 'tfds'), **options)

  return load


@pytest.mark.parametrize(
  ('name', 'without'),
  [
    ('long_tail_folder/a-size_8-01/1.0.0/test/a', 'long_tail_folder/own-size_8-01/1.0.0/test/a'),
    ('long_tail_folder/a-01', 'long_tail_folder/own-01'),
    ('long_tail_folder/own-01', 'long_tail_folder/own-01'),
    ('long_tail_folder', 'long_tail_folder'),
    ('long_tail_mnist/split_00-01', 'long_tail_mnist/split_00-01'),
    ('', ''),
  ],
)
def test_names_without_the_source(name, without):
  assert prepared_names.without_source(name) == without


@pytest.mark.parametrize(
  ('dataset', 'prepared', 'name'),
  [
    ('long_tail_folder', 'long_tail_folder/own-01', 'long_tail_folder/own-01'),
    ('long_tail_folder/pets-02', 'long_tail_folder/own-01', 'long_tail_folder/pets-02'),
    ('long_tail_mnist/split_00', 'long_tail_mnist/pool-01', 'long_tail_mnist/split_00-01'),
    ('long_tail_mnist/split_00', 'long_tail_mnist/pool', 'long_tail_mnist/split_00'),
    ('long_tail_cifar10/ratio_100', 'long_tail_cifar10/ratio_1', 'long_tail_cifar10/ratio_100'),
    ('long_tail_cifar10/ratio_100', '', 'long_tail_cifar10/ratio_100'),
    ('shapenet5', '', 'shapenet5'),
  ],
)
def test_names_of_the_same_source(dataset, prepared, name):
  assert prepared_names.of_same_source(dataset, prepared) == name


def test_equal_contents_of_another_path_are_not_prepared_again(source, load, tmp_path):
  first = load(source)
  other = shutil.copy(source, tmp_path / 'animals.npz')
  again, elsewhere = (
    load(other),
    build.load('long_tail_folder', 'train', str(other), f'{tmp_path}/b'),
  )
  assert len(list((tmp_path / 'tfds/long_tail_folder').iterdir())) == 1
  assert again.metadata['full_name'] == first.metadata['full_name']
  assert 'animals-' in elsewhere.metadata['full_name']
  assert first.key == again.key == elsewhere.key
  config = first.metadata['full_name'].split('/')[1]
  assert load(other, f'long_tail_folder/{config}').key == first.key
  assert load(other, seed=1).key != first.key
  assert load('', f'long_tail_folder/{first.key.split("/")[1]}').key == first.key


def test_a_missing_source(source, load, tmp_path, capsys):
  train, test = load(source, image_size=4), load(source, split='test', image_size=4)
  prepared = '/'.join(train.key.split('/')[:2])
  source.unlink()
  for split, before in (('train', train), ('test', test)):
    after = load(source, split=split, prepared=prepared, image_size=4)
    np.testing.assert_array_equal(after.images, before.images)
    assert after.key == before.key
  assert progress_lines.without(capsys.readouterr().err) == (
    f'source {source} is missing: using {train.metadata["data_dir"]}, prepared from it\n'
  )
  with pytest.raises(build.UserError, match=r'pets.npz does not exist'):
    load(source)
  shutil.rmtree(tmp_path / 'tfds')
  both = rf'source {source} is missing, and so is .* {tmp_path}/tfds/.*/\*-size_4-\w+: give'
  with pytest.raises(build.UserError, match=both):
    load(source, prepared=prepared, image_size=4)
