"""A balanced data set from a trained generator: alone, or on top of the real training images.

An export is a new folder with the data set in one format and export.json: the contents, their
origin, and what is needed to repeat the export. Images are written as they are drawn; the folder
gets its name once it is complete.
"""

from collections.abc import Iterator
import contextlib
import json
import math
import os
import pathlib
import shutil
import tempfile

import numpy as np
from tqdm import tqdm

from data_prep import writers
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.runs import sampling
from jaxgan.system import files, lock
from jaxgan.training import classifiers

NAME = 'export.json'
CONTENTS = ('synthetic', 'topped_up')
_READ_TOGETHER = 1000  # Real images.


def export(run, out, contents: str, format: str, images_per_class: int | None, seed: int) -> dict:
  """Writes a data set with as many images of every class; see `jaxgan.runs.run.Run.export`.

  Images are in the order of their classes, in each class the real ones first.
  """
  from data_prep import array_builder  # TFDS takes half a second to import.

  out = files.expanded(out)
  _check(run, out, contents, format, images_per_class)
  sample, names, labeller = run.sampler(balanced=True)
  arrays, label_of = _classes(run, names)
  real, wanted = _sizes(run, arrays, contents, images_per_class)
  drawn = sampling.stream(
    sample,
    names,
    np.where(label_of < 0, 0, wanted[label_of]),
    seed,
    run.config.evaluation.batch_size,
    'ask for fewer (images_per_class) or train on',
  )
  if not files.is_writer():  # Draws along with the process that writes.
    for _ in drawn:
      pass
    return {}
  with _whole_or_not_there(out) as folder, tempfile.TemporaryFile(dir=folder) as staged:
    # Shown where somebody watches.
    with tqdm(total=int(wanted.sum()), desc='Drawing', leave=False, disable=None) as progress:
      for num_images in _stage(staged, drawn, label_of, wanted):
        progress.update(num_images)
    digest = array_builder.ArraysDigest((int((real + wanted).sum()), *arrays.images.shape[1:]))
    labels, indices = _order(arrays.labels, real, wanted)

    def digested():
      for image in _images(arrays.images, indices, staged):
        digest.update(image)
        yield image

    data = writers.LabelledImages(
      digested(), labels, indices, indices < 0, arrays.class_names, arrays.images.shape[1:]
    )
    facts = writers.FORMATS[format](folder, data)
    written = {
      'contents': contents,
      'format': format,
      'images_per_class': int((real + wanted)[0]),
      'class_names': list(arrays.class_names),
      'real_images': real.tolist(),
      'generated_images': wanted.tolist(),
      **facts,
      'images_sha256': digest.hexdigest(labels, indices),
      **_provenance(run, labeller, seed),
    }
    text = json.dumps(written, indent=2, ensure_ascii=False)
    (folder / NAME).write_text(text + '\n', encoding='utf-8')
  return written


def describe(out, written: dict) -> str:
  """An export in a line, for the terminal."""
  if not written:
    return ''
  real, generated = sum(written['real_images']), sum(written['generated_images'])
  return (
    f'{written["images_per_class"]} images of each of {len(written["class_names"])} '
    f'{written["labels"]}, {generated} generated at step {written["checkpoint"]} and {real} real, '
    f'labelled by {written["labeller"]}: {out}'
  )


def _check(run, out, contents, format, images_per_class):
  """Refuses what cannot be before anything is restored."""
  sampling.check_new(out)
  for field, value, allowed in (
    ('contents', contents, CONTENTS),
    ('format', format, writers.FORMATS),
  ):
    if value not in allowed:
      raise UserError(f'{field}={value!r} is not possible: use one of {", ".join(allowed)}')
  if images_per_class is not None and images_per_class < 1:
    raise UserError(f'images_per_class={images_per_class} is not possible: use 1 or more')
  if contents == 'topped_up' and _labels(run) == 'codes':
    raise UserError(
      f'contents=topped_up is not possible with {run.method}: its images have codes, which are no '
      'classes of the real ones; use contents=synthetic'
    )


def _labels(run) -> str:
  return run.inputs.family.labels_of(run.method, run.inputs.data.labelled)


def _classes(run, names):
  """The training Arrays with the classes of the export, and the class of each drawn label or -1."""
  data = run.inputs.data
  arrays = data.replica_arrays(run.replica)
  if _labels(run) == 'codes':
    return arrays._replace(class_names=names), np.arange(len(names))
  places = np.arange(data.num_classes)
  if names != arrays.class_names:  # A classifier that was given may know them otherwise, or more.
    places = classifiers.class_positions(names, data, run.replica)
  label_of = np.full(len(names), -1)
  label_of[places] = np.arange(data.num_classes)
  return arrays, label_of


def _sizes(run, arrays, contents, images_per_class):
  """How many real and generated images there are to be of each class, two int `[K]`."""
  num_classes = len(arrays.class_names)
  if _labels(run) == 'codes':
    largest = max(1, len(arrays.labels) // num_classes)
  else:
    counts = np.bincount(arrays.labels, minlength=num_classes)
    largest = int(counts.max())
  size = largest if images_per_class is None else images_per_class
  if contents == 'synthetic':
    return np.zeros(num_classes, int), np.full(num_classes, size)
  if size < largest:
    raise UserError(
      f'images_per_class={size} is fewer than the {largest} training images of class '
      f'{arrays.class_names[counts.argmax()]!r}: use {largest} or more, or contents=synthetic'
    )
  return counts, size - counts


def _order(train_labels, real, wanted):
  """Labels of the exported images, and where in the training data each is; -1 of generated ones."""
  labels = np.repeat(np.arange(len(real)), real + wanted)
  is_real = np.repeat(np.tile([True, False], len(real)), np.stack([real, wanted], 1).ravel())
  indices = np.full(len(labels), -1)
  indices[is_real] = np.argsort(train_labels, kind='stable')[: real.sum()]  # All of them or none.
  return labels, indices


def _stage(file, drawn, label_of, wanted) -> Iterator[int]:
  """Writes generated images to a file class by class, in any order; yields how many at a time."""
  places = np.cumsum(wanted) - wanted
  for images, labels in drawn:
    for image, label in zip(images, label_of[labels], strict=True):
      file.seek(int(places[label]) * image.nbytes)
      file.write(np.ascontiguousarray(image).data)
      places[label] += 1
    yield len(labels)


def _images(train_images, indices, generated) -> Iterator[np.ndarray]:
  """The images of `_order`, those without an index from the file of generated ones."""
  shape = train_images.shape[1:]
  generated.seek(0)
  for start in range(0, len(indices), _READ_TOGETHER):
    part = indices[start : start + _READ_TOGETHER]
    real = iter(train_images[part[part >= 0]])
    for index in part:
      image = next(real) if index >= 0 else generated.read(math.prod(shape))
      yield image if index >= 0 else np.frombuffer(image, np.uint8).reshape(shape)


@contextlib.contextmanager
def _whole_or_not_there(out: pathlib.Path) -> Iterator[pathlib.Path]:
  """A folder beside `out` that is renamed to `out` at the end, or removed after an error."""
  incomplete = out.with_name(f'.{out.name}.incomplete')
  try:
    with lock.turn(out.with_name(f'.{out.name}.lock')):
      sampling.check_new(out)  # Another process may have had its turn.
      shutil.rmtree(incomplete, ignore_errors=True)  # A killed export leaves it.
      incomplete.mkdir()
      try:
        yield incomplete
        os.rename(incomplete, out)
      finally:
        shutil.rmtree(incomplete, ignore_errors=True)
  except OSError as error:
    raise UserError(f'cannot write --out={out} ({error.strerror}): name another place') from error


def _provenance(run, labeller: str, seed: int) -> dict:
  """The fields of export.json that say where the images came from."""
  accuracies = {known.key: known.accuracy for known in run.inputs.classifiers.values()}
  return {
    'experiment': run.config.experiment,
    'method': run.method,
    'checkpoint': run.step,
    'replica': run.replica,
    'sample_seed': seed,
    'data': run.inputs.data.keys[run.replica],
    'labels': _labels(run),
    'labeller': labeller,
    'labeller_accuracy': accuracies.get(labeller),
    'config': run.config.model_dump(mode='json'),
    **record.machine(),
  }
