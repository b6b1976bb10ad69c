"""Balanced data sets from a trained generator: generated images alone, or added to the real ones.

An export is a new folder with the data set in one format and export.json: the contents, their
origin, and the settings that repeat the export. Images are written while they are drawn; the folder
is renamed to its final name once it is complete.
"""

import collections
from collections.abc import Iterator
import contextlib
import json
import math
import os
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from data_prep import writers
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.runs import sampling
from jaxgan.system import files, lock
from jaxgan.training import classifiers

if TYPE_CHECKING:
  from jaxgan.runs.run import Run

NAME = 'export.json'
CONTENTS = ('synthetic', 'topped_up')
_READ_TOGETHER = 1000  # Real images.


def export(
  run: 'Run',
  out: str | os.PathLike[str],
  contents: str,
  format: str,
  images_per_class: int | None,
  seed: int,
) -> dict[str, Any]:
  """Writes a data set with equally many images of every class; see `jaxgan.runs.run.Run.export`.

  Images are ordered by class; in each class the real images come first.
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
  if not files.is_writer():  # All processes draw, one writes.
    collections.deque(drawn, maxlen=0)
    return {}
  with whole_or_not_there(out) as folder, tempfile.TemporaryFile(dir=folder) as staged:
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


def describe(out: str | os.PathLike[str], written: dict[str, Any]) -> str:
  """Describes an export in one line, for the terminal."""
  if not written:
    return ''
  real, generated = sum(written['real_images']), sum(written['generated_images'])
  return (
    f'{written["images_per_class"]} images of each of {len(written["class_names"])} '
    f'{written["labels"]}, {generated} generated at step {written["checkpoint"]} and {real} real, '
    f'labelled by {written["labeller"]}: {out}'
  )


def _check(run, out, contents, format, images_per_class):
  """Refuses wrong arguments before any checkpoint is restored."""
  sampling.check_new(out)
  for field, value, allowed in (
    ('contents', contents, CONTENTS),
    ('format', format, writers.FORMATS),
  ):
    if value not in allowed:
      raise UserError(f'{field}={value!r}: expected one of {", ".join(allowed)}.')
  if images_per_class is not None and images_per_class < 1:
    raise UserError(
      f'images_per_class={images_per_class}: expected a positive integer, for example 100.'
    )
  if contents == 'topped_up' and _labels(run) == 'codes':
    raise UserError(
      f'contents=topped_up: expected contents=synthetic for {run.method}, whose labels are codes, '
      'not classes of the real images.'
    )


def _labels(run) -> str:
  return run.inputs.family.labels_of(run.method, run.inputs.data.labelled)


def _classes(run, names):
  """The training Arrays with the exported classes, and the class of each drawn label, or -1."""
  data = run.inputs.data
  arrays = data.replica_arrays(run.replica)
  if _labels(run) == 'codes':
    return arrays._replace(class_names=names), np.arange(len(names))
  places = np.arange(data.num_classes)
  if names != arrays.class_names:  # A given classifier may have another order, or more classes.
    places = classifiers.class_positions(names, data, run.replica)
  label_of = np.full(len(names), -1)
  label_of[places] = np.arange(data.num_classes)
  return arrays, label_of


def _sizes(run, arrays, contents, images_per_class):
  """The numbers of real and of generated images of each class, two int `[K]`."""
  num_classes = len(arrays.class_names)
  if _labels(run) == 'codes':
    counts = np.zeros(num_classes, int)
    largest = max(1, len(arrays.labels) // num_classes)
  else:
    counts = np.bincount(arrays.labels, minlength=num_classes)
    largest = int(counts.max())
  size = largest if images_per_class is None else images_per_class
  if contents == 'synthetic':
    return np.zeros(num_classes, int), np.full(num_classes, size)
  if size < largest:
    raise UserError(
      f'images_per_class={size}: expected {largest} or more, the training images of class '
      f'{arrays.class_names[counts.argmax()]!r}, or contents=synthetic.'
    )
  return counts, size - counts


def _order(train_labels, real, wanted):
  """The labels of the exported images, and their indices in the training data, -1 if generated."""
  labels = np.repeat(np.arange(len(real)), real + wanted)
  is_real = np.repeat(np.tile([True, False], len(real)), np.stack([real, wanted], 1).ravel())
  indices = np.full(len(labels), -1)
  indices[is_real] = np.argsort(train_labels, kind='stable')[: real.sum()]  # All, or none.
  return labels, indices


def _stage(file, drawn, label_of, wanted) -> Iterator[int]:
  """Writes generated images into the region of their class in a file; yields numbers of images."""
  places = np.cumsum(wanted) - wanted
  for images, labels in drawn:
    for image, label in zip(images, label_of[labels], strict=True):
      file.seek(int(places[label]) * image.nbytes)
      file.write(np.ascontiguousarray(image).data)
      places[label] += 1
    yield len(labels)


def _images(train_images, indices, generated) -> Iterator[np.ndarray]:
  """Yields the images in the order of `indices`; an index of -1 reads the next generated image."""
  shape = train_images.shape[1:]
  generated.seek(0)
  for start in range(0, len(indices), _READ_TOGETHER):
    part = indices[start : start + _READ_TOGETHER]
    real = iter(train_images[part[part >= 0]])
    for index in part:
      image = next(real) if index >= 0 else generated.read(math.prod(shape))
      yield image if index >= 0 else np.frombuffer(image, np.uint8).reshape(shape)


@contextlib.contextmanager
def whole_or_not_there(out: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields a folder beside `out`; renames it to `out` at the end, removes it after an error."""
  incomplete = out.with_name(f'.{out.name}.incomplete')
  try:
    with lock.turn(out.with_name(f'.{out.name}.lock')):
      sampling.check_new(out)  # Another process may have written it meanwhile.
      shutil.rmtree(incomplete, ignore_errors=True)  # Left behind by a killed export.
      incomplete.mkdir()
      try:
        yield incomplete
        os.rename(incomplete, out)
      finally:
        shutil.rmtree(incomplete, ignore_errors=True)
  except OSError as error:
    raise UserError(f'cannot write --out={out} ({error.strerror}): name another place') from error


def _provenance(run, labeller: str, seed: int) -> dict:
  """The fields of export.json that record the origin of the images."""
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
