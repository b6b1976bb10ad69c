"""Balanced data sets from a trained generator: generated images alone, or added to the real ones.

An export is a new folder with the data set in one format and export.json: the contents, their
origin, and the settings that repeat the export. Images are written while they are drawn; the folder
is renamed to its final name once it is complete.
"""

import collections
from collections.abc import Iterator
import contextlib
import io
import json
import math
import os
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from data_prep import pictures, split_list, writers
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.runs import sampling
from jaxgan.system import files, lock, messages
from jaxgan.system.names import some
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
  min_confidence: float = 0.0,
) -> dict[str, Any]:
  """Writes a data set with equally many images of every class; see `jaxgan.runs.run.Run.export`.

  Images are ordered by class; in each class the real images come first.
  """
  from data_prep import array_builder  # TFDS takes half a second to import.

  out = files.expanded(out)
  _check(run, out, contents, format, images_per_class, min_confidence)
  _, names, labeller = run.sampler(balanced=True)
  arrays, label_of = _classes(run, names)
  real, wanted = _sizes(run, arrays, contents, images_per_class)
  tally = sampling.Tally(len(names))
  kept = np.where(label_of < 0, 0, wanted[label_of])
  drawn = _draw(run, kept, seed, min_confidence, tally)
  if not files.is_writer():  # All processes draw, one writes.
    collections.deque(drawn, maxlen=0)
    return {}
  with whole_or_not_there(out) as folder, tempfile.TemporaryFile(dir=folder) as staged:
    draws, confidences = _stage(staged, drawn, label_of, wanted)
    digest = array_builder.ArraysDigest((int((real + wanted).sum()), *arrays.images.shape[1:]))
    labels, indices = _order(arrays.labels, real, wanted)

    def digested():
      for image in _images(arrays.images, indices, staged):
        digest.update(image)
        yield image

    origins = writers.of_real(_source_files(run, 'train', indices))
    origins.draws[indices < 0], origins.confidences[indices < 0] = draws, confidences
    shape, test = arrays.images.shape[1:], _test_images(run, arrays)
    data = writers.LabelledImages(
      digested(), labels, indices, indices < 0, arrays.class_names, shape, origins, test
    )
    facts = writers.FORMATS[format](folder, data)
    written = {
      'contents': contents,
      'format': format,
      'images_per_class': int((real + wanted)[0]),
      'class_names': list(arrays.class_names),
      'real_images': real.tolist(),
      'generated_images': wanted.tolist(),
      'test_images': _counts(test, len(arrays.class_names)),
      'min_confidence': min_confidence,
      **_drawn_of(tally, label_of, arrays.class_names),
      **facts,
      'images_sha256': digest.hexdigest(labels, indices),
      **_provenance(run, labeller, seed),
    }
    text = json.dumps(written, indent=2, ensure_ascii=False)
    (folder / NAME).write_text(text + '\n', encoding='utf-8')
  return written


def _draw(run, wanted, seed, min_confidence, tally) -> Iterator[sampling.Drawn]:
  """Draws the wanted number of images of each label."""
  sample, names, _ = run.sampler(balanced=True)
  return sampling.stream(
    sample,
    names,
    wanted,
    seed,
    run.config.evaluation.batch_size,
    'ask for fewer (images_per_class), lower min_confidence or train on',
    confidence=run.confidence,
    min_confidence=min_confidence,
    tally=tally,
  )


def describe(out: str | os.PathLike[str], written: dict[str, Any]) -> str:
  """Describes an export for the terminal: contents, acceptance by class, rarely drawn classes."""
  if not written:
    return ''
  names, taken = written['class_names'], written['generated_images']
  real, generated = sum(written['real_images']), sum(taken)
  lines = [
    f'{written["images_per_class"]} images of each of {len(names)} {written["labels"]}, '
    f'{generated} generated at step {written["checkpoint"]} and {real} real, labelled by '
    f'{written["labeller_in_words"]}: {out}'
  ]
  if written['test_images']:
    lines.append(f'test: {sum(written["test_images"])} real images')
  if written['draws']:
    rates = [
      f'{n} {100 * rate:.2f} %' for n, rate in zip(names, written['acceptance_rate'], strict=True)
    ]
    shown = some(rates, pictures.LISTED)
    lines.append(f'accepted of {written["draws"]:,} generated images: {shown}')
  few = sampling.RARE / len(names)
  for name, drawn, kept in zip(names, written['drawn_images'], taken, strict=True):
    if kept and drawn < few * written['draws']:
      lines.append(
        f'{name}: {drawn:,} of {written["draws"]:,} generated images, {kept:,} taken: look at '
        'them, a class that the generator hardly makes is often mislabelled'
      )
  return '\n'.join(lines)


def _drawn_of(tally, label_of, class_names) -> dict:
  """The fields of export.json about the draws, by class of the data."""
  at = label_of[label_of >= 0]
  drawn, unsure, rates = (np.zeros(len(class_names)) for _ in range(3))
  drawn[at], unsure[at] = tally.drawn[label_of >= 0], tally.unsure[label_of >= 0]
  rates = (drawn - unsure) / max(1, tally.total)
  return {
    'draws': tally.total,
    'drawn_images': drawn.astype(int).tolist(),
    'unsure_images': unsure.astype(int).tolist(),
    'acceptance_rate': rates.tolist(),
  }


def _counts(test, num_classes) -> list[int] | None:
  return None if test is None else np.bincount(test.labels, minlength=num_classes).tolist()


def _source_files(run, split: str, indices: np.ndarray) -> list[str]:
  """Returns the file of each image of a split; '' for generated images and unknown files."""
  data = run.inputs.data
  folder = data.arrays.metadata.get('data_dir')
  files_of = split_list.files_of(pathlib.Path(folder), split) if folder else []
  if split == 'train':  # Positions in the share of the replica.
    indices = np.where(indices < 0, -1, data.indices[run.replica][indices])
  return [files_of[at] if files_of and at >= 0 else '' for at in indices]


def _test_images(run, arrays) -> writers.LabelledImages | None:
  """The real test images by class; None for codes, which are no classes of real images."""
  if _labels(run) == 'codes':
    return None
  test, classes = run.inputs.test, run.inputs.data.classes[run.replica]
  label_of = np.full(len(test.class_names), -1)
  label_of[classes] = np.arange(len(classes))
  labels = label_of[test.labels]
  order = np.argsort(labels, kind='stable')
  order = order[labels[order] >= 0]
  images = _images(test.images, order, io.BytesIO())
  origins = writers.of_real(_source_files(run, 'test', order))
  none = np.zeros(len(order), bool)
  return writers.LabelledImages(
    images, labels[order], order, none, arrays.class_names, arrays.images.shape[1:], origins
  )


def _check(run, out, contents, format, images_per_class, min_confidence):
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
  if not 0 <= min_confidence <= 1:
    raise UserError(f'min_confidence={min_confidence}: expected a number in 0..1, for example 0.8.')
  if min_confidence and run.confidence is None:
    raise UserError(
      f'min_confidence={min_confidence}: no classifier knows the labels, leave it out'
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


def _stage(file, drawn, label_of, wanted) -> tuple[np.ndarray, np.ndarray]:
  """Writes generated images into the region of their class in a file.

  Returns:
    (numbers of the draws, confidences) of the images in the file.
  """
  places, total = np.cumsum(wanted) - wanted, int(wanted.sum())
  draws, confidences = np.full(total, -1), np.full(total, np.nan, np.float32)
  with messages.stage(f'generating {total:,} images', after=1.0, total=total) as running:
    for batch in drawn:
      for i, (image, label) in enumerate(zip(batch.images, label_of[batch.labels], strict=True)):
        file.seek(int(places[label]) * image.nbytes)
        file.write(np.ascontiguousarray(image).data)
        draws[places[label]] = batch.draws[i]
        if batch.confidences is not None:
          confidences[places[label]] = batch.confidences[i]
        places[label] += 1
      running.done += len(batch.labels)
  return draws, confidences


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
    'labeller_in_words': sampling.labeller_in_words(run.inputs.classifiers, labeller),
    'config': run.config.model_dump(mode='json'),
    **record.machine(),
  }
