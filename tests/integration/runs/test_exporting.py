"""Exports of a run: contents, refusals, and atomic writing."""

import csv
import json

import jax
import numpy as np
from PIL import Image
import pytest

from data_prep import build, npz, writers
from jaxgan.data import training_data
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
    'labeller_accuracy': 0.75, 'labeller_in_words': 'the classifier (labeller, accuracy 75.0 %)',
    'test_images': [3, 2, 2],
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
  assert written['test_images'] is None  # Codes are no classes of real images.
  assert 'test_images' not in arrays
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
    ({'min_confidence': 1.5}, r'min_confidence=1\.5: expected a number in 0\.\.1, for example'),
    ({'out': 'set.npz'}, 'set.npz: expected a folder, for example --out=.*set$'),
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


def test_what_was_drawn_is_counted(tmp_path):
  """Three of four images are of the first class: it is accepted as often, the others an eighth."""
  written, arrays = _export(run_to_export(), tmp_path / 'set', images_per_class=9)
  assert written['draws'] == sum(written['drawn_images']) == 72
  assert written['acceptance_rate'] == [0.75, 0.125, 0.125]
  images, _ = sample_unevenly(jax.random.fold_in(jax.random.key(0), 0), 8)
  for image, draw, confidence in zip(
    arrays['images'], arrays['draw'], arrays['confidence'], strict=True
  ):
    assert confidence == np.float32(image[0, 0, 0] / 255)
    if draw < 8:
      np.testing.assert_array_equal(image, images[draw])
  assert len(set(arrays['draw'])) == 27
  lines = exporting.describe('OUT', written).splitlines()
  assert lines[2] == (
    'accepted of 72 generated images: cat 75.00 %, AC/DC 12.50 %, zèbre rare 12.50 %'
  )
  assert len(lines) == 3


def test_a_minimum_of_confidence(tmp_path):
  written, arrays = _export_sure(tmp_path / 'set', 0.8)
  assert arrays['confidence'].min() >= 0.8
  assert np.bincount(arrays['labels']).tolist() == [5, 5, 5]
  assert written['min_confidence'] == 0.8
  sure = np.subtract(written['drawn_images'], written['unsure_images'])
  np.testing.assert_allclose(written['acceptance_rate'], sure / written['draws'])
  again, _ = _export_sure(tmp_path / 'again', 0.8)
  assert again == written
  with pytest.raises(UserError, match=r'after 800 images \(\d+ below min_confidence=1\) .*0'):
    _export_sure(tmp_path / 'never', 1.0, images_per_class=1)


def _export_sure(out, min_confidence, images_per_class=5):
  run = run_to_export()
  if min_confidence == 1:
    run.confidence = lambda images, labels: np.zeros(len(labels))
  written = exporting.export(
    run, out, 'synthetic', 'npz', images_per_class, 0, min_confidence=min_confidence
  )
  with np.load(out / writers.NPZ, allow_pickle=False) as arrays:
    return written, dict(arrays)


def test_a_class_that_is_nearly_never_drawn_is_told(tmp_path):
  def sample(rng, num_images):
    labels = np.arange(num_images) % 2
    labels[0] = 2 if jax.random.uniform(rng) < 0.15 else 0
    return sample_unevenly(rng, num_images)[0], labels

  written, _ = _export(run_to_export(sample=sample), tmp_path / 'set', images_per_class=6)
  drawn = written['drawn_images'][2]
  *_, last = exporting.describe('OUT', written).splitlines()
  assert last.startswith(
    f'zèbre rare: {drawn} of {written["draws"]} generated images, 6 taken: look at them'
  )


def test_files_of_real_images(tmp_path):
  """Of own images, an export names the file of each real image."""
  source = tmp_path / 'own'
  for k in range(3):
    (source / f'{k}').mkdir(parents=True)
    for i in range(4 + k):
      Image.new('L', (8, 8), 40 * k + i).save(source / f'{k}' / f'picture {i}.png')
  place = (str(source), str(tmp_path / 'tfds'))
  train, test = (build.load('long_tail_folder', split, *place) for split in ('train', 'test'))
  run = run_to_export(names=train.class_names)
  run.inputs.data, run.inputs.test = training_data.whole(train), test
  exporting.export(run, tmp_path / 'set', 'topped_up', 'folders', None, 0)
  with open(tmp_path / 'set' / 'images.csv', encoding='utf-8', newline='') as file:
    rows = list(csv.DictReader(file))
  for row in rows:
    assert bool(row['source_file']) == (row['generated'] == '0')
    if row['source_file']:
      copy, original = tmp_path / 'set' / row['file'], source / row['source_file']
      np.testing.assert_array_equal(np.asarray(Image.open(copy)), np.asarray(Image.open(original)))
  named = [row['source_file'] for row in rows if row['source_file']]
  assert len(named) == len(set(named)) == 15
  assert sum(row['file'].startswith('test/') for row in rows) == 3


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
  train, test = (
    build.load('long_tail_folder', split, str(folder), **place) for split in ('train', 'test')
  )
  assert train.class_names == ('AC%2FDC', 'cat', 'zèbre rare')
  assert np.bincount(train.labels).tolist() == [40, 40, 40]
  real = run_to_export().inputs.test  # Of labels 0, 1, 2, 0, ...; AC/DC is 1, and sorted first.
  order = np.argsort(np.array([1, 0, 2])[real.labels], kind='stable')
  np.testing.assert_array_equal(test.images, real.images[order])
  exporting.export(run_to_export(), tmp_path / 'npz', 'topped_up', 'npz', None, 0)
  source = npz.read_npz(tmp_path / 'npz' / writers.NPZ)
  assert source.class_names == ODD_NAMES
  assert np.bincount(source.train.labels).tolist() == [40, 40, 40]
  assert source.test is not None
  np.testing.assert_array_equal(source.test.labels, [0, 0, 0, 1, 1, 2, 2])
