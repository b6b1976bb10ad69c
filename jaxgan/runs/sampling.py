"""Labelled images from a trained generator, written as PNGs or as one npz file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import csv
import difflib
import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from data_prep import writers
from data_prep.picture_formats import SUFFIXES
from jaxgan.errors import UserError

_ARCHIVES = ('.csv', '.gz', '.h5', '.json', '.npy', '.npz', '.parquet', '.tar', '.tgz', '.zip')
# A class with less than this share of the frequency in a balanced set is nearly never drawn.
RARE = 0.1


class Drawn(NamedTuple):
  """Images that were kept from a batch.

  Attributes:
    images: uint8 `[N, H, W, C]`.
    labels: int `[N]`.
    draws: int `[N]`, the number of each image among all drawn images.
    confidences: float `[N]`; None without a classifier that knows the labels.
  """

  images: np.ndarray
  labels: np.ndarray
  draws: np.ndarray
  confidences: np.ndarray | None


class Tally:
  """Counts of the drawn images of each label `[K]`: all, and those below the minimum confidence."""

  def __init__(self, num_labels: int):
    """Starts at 0."""
    self.drawn, self.unsure = np.zeros(num_labels, int), np.zeros(num_labels, int)

  @property
  def total(self) -> int:
    """The number of drawn images."""
    return int(self.drawn.sum())


def stream(
  sample: Callable,
  names: Sequence[str],
  wanted: np.ndarray | int,
  seed: int,
  batch_size: int,
  advice: str,
  total: int | None = None,
  confidence: Callable | None = None,
  min_confidence: float = 0.0,
  tally: Tally | None = None,
) -> Iterator[Drawn]:
  """Draws labelled images batch by batch until the wanted numbers are reached.

  Args:
    sample: `sample(rng, num_images) -> (images, labels)`, see `jaxgan.evaluation.evaluate`.
    names: names of the labels `[K]`.
    wanted: int `[K]`, the images to keep of each label, the first drawn; or one int, the images to
      keep in total.
    seed: seed of the noise.
    batch_size: images per batch.
    advice: the end of the error message.
    total: images to keep of all labels; by default the sum of `wanted`.
    confidence: `confidence(images, labels) -> float [N]`.
    min_confidence: images below are drawn again.
    tally: counts what was drawn.

  Yields:
    The images kept from a batch, N from 1 to batch_size.

  Raises:
    UserError: the generator hardly ever draws a class.
  """
  total = int(np.sum(wanted)) if total is None else total
  most, tally = np.broadcast_to(wanted, len(names)), tally or Tally(len(names))
  taken = np.zeros(len(names), int)
  limit = 100 * (total // batch_size + 1)
  for i in range(limit):
    if taken.sum() == total:
      return
    images, labels = sample(jax.random.fold_in(jax.random.key(seed), i), batch_size)
    tally.drawn += np.bincount(labels, minlength=len(names))
    sure = np.ones(len(labels), bool)
    if confidence and min_confidence:
      sure = confidence(images, labels) >= min_confidence
      tally.unsure += np.bincount(labels[~sure], minlength=len(names))
    if kept := _kept(labels, sure, taken, most, total):
      own, own_labels = images[kept], labels[kept]
      seen = confidence(own, own_labels) if confidence else None
      yield Drawn(own, own_labels, i * batch_size + np.array(kept), seen)
  if taken.sum() < total:
    short = {names[int(k)]: int(taken[k]) for k in np.flatnonzero(taken < most)}
    unsure = f' ({tally.unsure.sum()} below min_confidence={min_confidence:g})'
    raise UserError(
      f'after {limit * batch_size} images{unsure if min_confidence else ""} these classes still '
      f'have too few, {short}: {advice}'
    )


def _kept(labels, sure, taken, most, total) -> list[int]:
  """Returns the positions of the images to keep; counts them in `taken`."""
  kept = []
  for position, label in enumerate(labels):
    if sure[position] and taken.sum() < total and taken[label] < most[label]:
      taken[label] += 1
      kept.append(position)
  return kept


def draw(
  sample: Callable,
  names: Sequence[str],
  num_images: int,
  balanced: bool,
  seed: int,
  batch_size: int,
  chosen: Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
  """Draws a number of labelled images, in batches.

  Args:
    sample: see `stream`.
    names: see `stream`.
    num_images: images to return.
    balanced: keep equal numbers of every label (up to one), the first drawn.
    seed: seed of the noise.
    batch_size: images per batch.
    chosen: positions of the labels to keep; by default all.

  Returns:
    (images uint8 `[N, H, W, C]`, labels int `[N]`).

  Raises:
    UserError: `num_images` is below 1, or the generator hardly ever draws a class.
  """
  if num_images < 1:
    raise UserError(f'num_images={num_images}: expected a positive integer, for example 1000.')
  advice = 'ask for fewer (num_images) or leave out balanced'
  if chosen is not None:
    advice = 'ask for fewer (num_images) or train on'
  chosen = range(len(names)) if chosen is None else chosen
  wanted = np.zeros(len(names), int)
  wanted[list(chosen)] = num_images
  if balanced:
    wanted[list(chosen)] = num_images // len(chosen)
    wanted[list(chosen)[: num_images % len(chosen)]] += 1
  batches = stream(sample, names, wanted, seed, batch_size, advice, total=num_images)
  images, labels, start = np.empty(0), np.empty(num_images, int), 0
  for drawn in batches:
    if start == 0:  # Filled batch by batch, so that memory holds the images once.
      images = np.empty((num_images, *drawn.images.shape[1:]), drawn.images.dtype)
    at = slice(start, start := start + len(drawn.labels))
    images[at], labels[at] = drawn.images, drawn.labels
  return images, labels


def positions(
  names: Sequence[str], wanted: str | int | Sequence[str | int], field: str, are_codes: bool
) -> tuple[int, ...]:
  """Finds labels by their names; codes also by their numbers.

  Args:
    names: names of the labels `[K]`.
    wanted: a name, names with commas between them, or a sequence of names; of codes also numbers.
    field: the flag or argument, for messages.
    are_codes: whether the labels are codes.

  Returns:
    Different positions in `names`, in the order of the names.

  Raises:
    UserError: an unknown name.
  """
  asked = [wanted] if isinstance(wanted, str | int) else list(wanted)
  words = [word for text in asked for word in _split(str(text), names)]
  known = {name: at for at, name in enumerate(names)}
  numbers = {str(at): at for at in range(len(names))} if are_codes else {}
  found = set()
  for word in words:
    at = known.get(word, numbers.get(word))
    if at is None:
      nearest = difflib.get_close_matches(word.casefold(), {n.casefold(): n for n in names}, n=1)
      close = [name for name in names if name.casefold() in nearest]
      hint = f'; did you mean {close[0]}?' if close else ''
      kind = f'a code in 0..{len(names) - 1}' if are_codes else f'one of {", ".join(names)}'
      raise UserError(f'{field}={word}: expected {kind}{hint}')
    found.add(at)
  if not found:
    raise UserError(f'{field}: expected a name, for example {names[0]}')
  return tuple(sorted(found))


def _split(text, names) -> list[str]:
  """Splits a text at commas, but not inside of a name that has commas."""
  parts, words = text.split(','), []
  while parts:
    ends = [n for n in range(len(parts), 0, -1) if ','.join(parts[:n]).strip() in names]
    end = ends[0] if ends else 1
    words.append(','.join(parts[:end]).strip())
    parts = parts[end:]
  return [word for word in words if word]


def labeller_in_words(classifiers: Mapping[str, Any], origin: str) -> str:
  """Describes the origin of labels: of a classifier its role, network and accuracy.

  Args:
    classifiers: {role: Classifier}.
    origin: the key of a classifier, or words.
  """
  for role, known in classifiers.items():
    if known.key == origin:
      accuracy = known.accuracy
      right = '' if accuracy is None else f', accuracy {100 * accuracy:.1f} %'
      return f'the {role} ({origin.rpartition("-")[0] or origin}{right})'
  return origin


def check_new(out: pathlib.Path, can_be_npz: bool = False) -> None:
  """Raises a UserError if the path exists, or has the suffix of a file that is not written.

  Args:
    out: the path.
    can_be_npz: whether a path that ends in .npz names a file.
  """
  suffix = out.suffix.lower()
  if suffix in (*SUFFIXES, *_ARCHIVES) and not (can_be_npz and suffix == '.npz'):
    allowed = 'a folder, or a file that ends in .npz' if can_be_npz else 'a folder'
    raise UserError(f'--out={out}: expected {allowed}, for example --out={out.with_suffix("")}')
  if out.exists():
    raise UserError(f'--out={out} exists: nothing is overwritten, name a new folder or .npz file')


def save(
  out: pathlib.Path, images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> None:
  """Writes images and labels to a new npz file, or to a new folder of PNGs with labels.csv.

  Args:
    out: a path that ends in .npz, or a folder.
    images: uint8 `[N, H, W, C]`.
    labels: int `[N]`.
    class_names: names of the labels `[K]`.

  Raises:
    UserError: `out` exists or cannot be written.
  """
  check_new(out, can_be_npz=True)
  try:
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == '.npz':
      with out.open('wb') as file:  # By a name, NumPy would add .npz to .NPZ.
        np.savez_compressed(file, images=images, labels=labels, class_names=np.array(class_names))
      return
    out.mkdir()
    with open(out / 'labels.csv', 'w', newline='', encoding='utf-8') as file:
      writer = csv.writer(file)
      writer.writerow(['file', 'label', 'class_name'])
      for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = f'{i:06d}.png'
        writers.save_png(out / name, image)
        writer.writerow([name, int(label), class_names[label]])
  except OSError as error:
    raise UserError(f'cannot write --out={out} ({error.strerror}): name another place') from error
