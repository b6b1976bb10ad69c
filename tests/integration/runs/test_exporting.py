"""Exports of a run: contents, refusals, and atomic writing."""

import json

import jax
import numpy as np
import pytest

from data_prep import build, npz, writers
from jaxgan.errors import UserError
from jaxgan.runs import exporting
from jaxgan.system import stopping
from tests.support.stand_in import CLASS_COUNTS, ODD_NAMES, run_to_export, sample_unevenly


def _export(run, out, contents='synthetic', format='npz', images_per_class=None, seed=0):
  written = exporting.export(run, out, contents, format, images_per_class, seed)
  assert json.loads((out / exporting.NAME).read_text()) == json.loads(json.dumps(written))
  with np.load(out / writers.NPZ, allow_pickle=False) as arrays:
    return written, dict(arrays)


def test_synthetic(tmp_path):
  run = run_to_export()
  written, arrays = _export(run, tmp_path / 'new' / 'set', images_per_class=9)
  assert np.bincount(arrays['labels']).tolist() == [9, 9, 9]
  assert arrays['generated'].all()
  # In each class the first that were drawn, in their order.
  images, labels = sample_unevenly(jax.random.fold_in(jax.random.key(0), 0), 8)
  for label in range(3):
    drawn = images[labels == label]
    of_class = arrays['images'][arrays['labels'] == label]
    np.testing.assert_array_equal(of_class[: len(drawn)], drawn)
  assert written['real_images'] == [0, 0, 0]
  assert written['generated_images'] == [9, 9, 9]
  assert [p.name for p in (tmp_path / 'new').iterdir()] == ['set']


def test_topped_up_to_the_largest_class(tmp_path):
  run = run_to_export()
  written, arrays = _export(run, tmp_path / 'set', 'topped_up')
  assert np.bincount(arrays['labels']).tolist() == [40, 40, 40]
  assert written['real_images'] == list(CLASS_COUNTS)
  assert written['generated_images'] == [0, 16, 28]
  real, train = ~arrays['generated'], run.inputs.data.arrays
  at = arrays['index'][real]
  assert sorted(at) == list(range(sum(CLASS_COUNTS)))
  assert (arrays['index'][~real] == -1).all()
  np.testing.assert_array_equal(arrays['images'][real], train.images[at])
  np.testing.assert_array_equal(arrays['labels'][real], train.labels[at])


def test_where_it_came_from(tmp_path):
  written, _ = _export(run_to_export(), tmp_path / 'a', images_per_class=2)
  expected = {
    'contents': 'synthetic', 'images_per_class': 2, 'class_names': list(ODD_NAMES), 'method':
    'class_balancing', 'experiment': 'tiny', 'checkpoint': 40, 'replica': 0, 'sample_seed': 0,
    'data': 'stand-in/train-8-1-3', 'labels': 'classes', 'labeller': 'labeller-1',
    'labeller_accuracy': 0.75,
  }  # fmt: skip
  assert expected.items() <= written.items()
  assert written['config']['evaluation']['batch_size'] == 8  # Of the draws.
  again, _ = _export(run_to_export(), tmp_path / 'b', images_per_class=2)
  other, _ = _export(run_to_export(), tmp_path / 'c', images_per_class=2, seed=1)
  assert again == written
  assert other['images_sha256'] != written['images_sha256']
  files = [(tmp_path / name / writers.NPZ).read_bytes() for name in 'abc']
  assert files[0] == files[1] != files[2]


def test_a_classifier_that_knows_more_classes(tmp_path):
  """Its labels index its own classes; images of other classes are left out."""
  names = ('dog', 'zèbre rare', 'cat', 'AC/DC')

  def sample(rng, num_images):
    images, _ = sample_unevenly(rng, num_images)
    labels = np.arange(num_images) % 4
    images[:, 0, 0, 0] = labels
    return images, labels

  _, arrays = _export(
    run_to_export(names=names, sample=sample), tmp_path / 'set', images_per_class=4
  )
  assert arrays['class_names'].tolist() == list(ODD_NAMES)
  assert arrays['images'][:, 0, 0, 0].tolist() == [2] * 4 + [3] * 4 + [1] * 4


def test_codes(tmp_path):
  run = run_to_export('elastic_infogan', names=('code_0', 'code_1', 'code_2'))
  written, arrays = _export(run, tmp_path / 'set')
  assert arrays['class_names'].tolist() == ['code_0', 'code_1', 'code_2']
  assert np.bincount(arrays['labels']).tolist() == [25, 25, 25]  # 76 training images.
  assert written['labels'] == 'codes'
  with pytest.raises(
    UserError, match=r'topped_up: expected contents=synthetic for elastic_infogan, .* codes'
  ):
    exporting.export(run, tmp_path / 'other', 'topped_up', 'npz', None, 0)


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    ({'contents': 'real'}, "contents='real': expected one of synthetic, topped_up"),
    ({'format': 'zip'}, "format='zip': expected one of folders, npz, tfds"),
    ({'images_per_class': 0}, 'images_per_class=0: expected a positive integer'),
    (
      {'contents': 'topped_up', 'images_per_class': 39},
      "images_per_class=39: expected 40 or more, the training images of class 'cat'",
    ),
    ({'out': 'there'}, 'there exists: nothing is overwritten'),
    ({'out': 'file/set'}, 'cannot write --out=.*file/set'),
  ],
  ids=lambda value: None if isinstance(value, str) else '-'.join(map(str, value.values())),
)
def test_refused(given, message, tmp_path):
  (tmp_path / 'there').mkdir()
  (tmp_path / 'file').write_text('mine')
  given = {'contents': 'synthetic', 'format': 'npz', 'images_per_class': 3, 'seed': 0, **given}
  with pytest.raises(UserError, match=message):
    exporting.export(run_to_export(), tmp_path / given.pop('out', 'set'), **given)
  assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'there']


def test_a_class_that_never_comes_is_named(tmp_path):
  def sample(rng, num_images):
    return sample_unevenly(rng, num_images)[0], np.arange(num_images) % 2

  message = r"these classes still have too few, \{'zèbre rare': 0\}: .*images_per_class"
  with pytest.raises(UserError, match=message):
    exporting.export(run_to_export(sample=sample), tmp_path / 'set', 'topped_up', 'npz', 41, 0)
  assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('format', writers.FORMATS)
@pytest.mark.parametrize('stops_at', ['drawing', 'writing'])
def test_an_interruption_leaves_nothing(stops_at, format, tmp_path, monkeypatch):
  def stop(*_):
    raise stopping.Stopped(15)

  killed = tmp_path / '.set.incomplete'  # What `kill -9` leaves.
  killed.mkdir()
  (killed / 'generated').write_text('half')
  sample = stop if stops_at == 'drawing' else sample_unevenly
  if stops_at == 'writing':
    read = exporting._images
    in_the_midst = lambda *a: (image if i < 5 else stop() for i, image in enumerate(read(*a)))  # noqa: E731
    monkeypatch.setattr(exporting, '_images', in_the_midst)
  with pytest.raises(stopping.Stopped):
    exporting.export(run_to_export(sample=sample), tmp_path / 'set', 'synthetic', format, 3, 0)
  assert list(tmp_path.iterdir()) == []


def test_exported_images_are_input_again(tmp_path):
  """`folder_lt` reads an export with --config.data.source."""
  folder = tmp_path / 'set'
  exporting.export(run_to_export(), folder, 'topped_up', 'folders', None, 0)
  place = {'data_dir': str(tmp_path / 'tfds')}
  train = build.load('long_tail_folder', 'train', str(folder), **place)
  assert train.class_names == ('AC%2FDC', 'cat', 'zèbre rare')
  assert np.bincount(train.labels).tolist() == [36, 36, 36]  # A tenth is cut for the test.
  exporting.export(run_to_export(), tmp_path / 'npz', 'topped_up', 'npz', None, 0)
  source = npz.read_npz(tmp_path / 'npz' / writers.NPZ)
  assert source.class_names == ODD_NAMES
  assert np.bincount(source.train.labels).tolist() == [40, 40, 40]
