"""Missing and renamed sources: a run continues with its prepared data."""

import json
import shutil

import numpy as np
from PIL import Image
import pytest

import jaxgan
from jaxgan.config.overrides import changed
from jaxgan.data import loading, sources
from jaxgan.errors import UserError
from jaxgan.runs import execute
from jaxgan.training import classifiers
from tests.support import stand_in

COUNTS = {'ant': 30, 'bee': 20, 'cat': 12}


def tiny_on(source, data_dir):
  return stand_in.on_own_images(stand_in.tiny(), source, data_dir)


@pytest.fixture(scope='module')
def made(tmp_path_factory, one_device):
  """A folder with images, prepared data and a finished run: pets, data, run."""
  root, rng = tmp_path_factory.mktemp('sources'), np.random.default_rng(0)
  for k, (name, count) in enumerate(COUNTS.items()):
    (root / 'pets' / name).mkdir(parents=True)
    for i in range(count):
      pixels = 80 * k + rng.integers(0, 80, (8, 8))
      Image.fromarray(pixels.astype(np.uint8)).save(root / 'pets' / name / f'{i:02}.png')
  execute.run(tiny_on(root / 'pets', root / 'data'), root / 'run')
  return root


@pytest.fixture
def root(made, tmp_path):
  """A copy of the finished run beside its data; the folder of images may be moved or changed."""
  shutil.copytree(made / 'run', tmp_path / 'run')
  shutil.copytree(made / 'pets', tmp_path / 'kept')
  loading._load.cache_clear()  # A new process would read it again.
  yield made
  shutil.rmtree(made / 'pets', ignore_errors=True)
  shutil.copytree(tmp_path / 'kept', made / 'pets')
  loading._load.cache_clear()


@pytest.fixture
def gone(root):
  (root / 'pets').rename(root / 'moved')
  yield root
  shutil.rmtree(root / 'moved')


def test_a_run_whose_source_is_gone(gone, tmp_path, capsys):
  run = jaxgan.load(tmp_path / 'run', checkpoint='latest')
  images, labels = run.sample(8)
  assert images.shape == (8, 8, 8, 1)
  assert len(labels) == 8
  written = run.export(tmp_path / 'out', 'topped_up', images_per_class=40)
  assert sum(written['real_images']) == 56  # A tenth of each class is held out.
  before = json.loads((run.folder / 'evaluation.json').read_text())
  after = jaxgan.load(tmp_path / 'run').evaluate()
  assert after == before
  said = capsys.readouterr().err.splitlines()
  assert len([line for line in said if 'pets is missing: using' in line]) == 1


def test_resuming_where_the_source_is_gone(gone, tmp_path):
  config = tiny_on(gone / 'pets', gone / 'data')
  config = changed(config, {'train.steps': 6})
  execute.run(config, tmp_path / 'run')
  assert jaxgan.load(tmp_path / 'run', checkpoint='latest').step == 6
  remembered = json.loads((tmp_path / 'run/class_balancing/config.json').read_text())
  assert remembered['data']['source'] == str(gone / 'pets')


def test_neither_source_nor_prepared_data(gone, tmp_path):
  config = tiny_on(gone / 'pets', tmp_path / 'elsewhere')
  message = r'pets is missing, and so is .*elsewhere/long_tail_folder/\*-\w{10}: give one'
  with pytest.raises(UserError, match=message):
    execute.run(config, tmp_path / 'run')
  with pytest.raises(UserError, match='pets does not exist'):  # No run has its name.
    execute.run(config, tmp_path / 'new')


def test_another_path_of_equal_contents(gone, tmp_path):
  config = tiny_on(gone / 'moved', gone / 'data')
  config = changed(config, {'train.steps': 6})
  execute.run(config, tmp_path / 'run')
  assert jaxgan.load(tmp_path / 'run', checkpoint='latest').step == 6
  assert len(list((gone / 'data/long_tail_folder').iterdir())) == 1


def test_a_run_of_an_older_version_has_the_name_of_the_source(gone, tmp_path):
  path = tmp_path / 'run/class_balancing/config.json'
  text = path.read_text().replace('long_tail_folder/own-', 'long_tail_folder/pets-')
  path.write_text(text.replace('"schema": 2', '"schema": 1'))
  assert 'long_tail_folder/pets-' in path.read_text()
  assert len(jaxgan.load(tmp_path / 'run', checkpoint='latest').sample(3)[0]) == 3


@pytest.mark.parametrize('place', ['', 'runs/pets'])
def test_a_work_directory_among_the_images(place, made):
  before = sorted(made.rglob('*'))
  config = tiny_on(made / 'pets', made / 'data')
  with pytest.raises(UserError, match=r'the work directory .*pets.* lies in config.data.source='):
    execute.run(config, made / 'pets' / place)
  assert sorted(made.rglob('*')) == before


@pytest.mark.parametrize('start', ['train', 'load'])
def test_changed_contents(start, root, tmp_path):
  (root / 'pets/ant/00.png').unlink()
  config = tiny_on(root / 'pets', root / 'data')
  message = r"other images: the contents of config.data.source='.*pets' have changed \(images was"

  def begin():
    if start == 'train':
      execute.run(config, tmp_path / 'run')
    else:
      jaxgan.load(tmp_path / 'run').sample(1)

  with pytest.raises(UserError, match=message) as raised:
    begin()
  assert '\n' not in str(raised.value)


def test_a_classifier_of_another_run_whose_source_is_gone(gone, tmp_path, mesh):
  config = tiny_on('', gone / 'data')
  config = changed(config, {'data.source': '/also/gone'})
  known = classifiers.load_classifier(tmp_path / 'run/classifier', config.data, mesh)
  assert known.class_names == tuple(COUNTS)


def test_nothing_is_copied_where_no_source_is_gone(root, tmp_path):
  config = tiny_on(root / 'pets', root / 'data')
  assert sources.with_prepared(config, tmp_path / 'run') is config
