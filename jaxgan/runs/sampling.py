"""Labelled images from a trained generator, written as PNGs or as one npz file."""

from collections.abc import Callable, Iterator, Sequence
import csv
import pathlib

import jax
import numpy as np

from data_prep import writers
from jaxgan.errors import UserError


def stream(
  sample: Callable,
  names: Sequence[str],
  wanted: np.ndarray | int,
  seed: int,
  batch_size: int,
  advice: str,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """Draws labelled images batch by batch until the wanted numbers are reached.

  Args:
    sample: `sample(rng, num_images) -> (images, labels)`, see `jaxgan.evaluation.evaluate`.
    names: names of the labels `[K]`.
    wanted: int `[K]`, the images to keep of each label, the first drawn; or one int, the images to
      keep in total.
    seed: seed of the noise.
    batch_size: images per batch.
    advice: the end of the error message.

  Yields:
    (images uint8 `[N, H, W, C]`, labels int `[N]`) kept from a batch, N from 1 to batch_size.

  Raises:
    UserError: the generator hardly ever draws a class.
  """
  total, most = int(np.sum(wanted)), np.broadcast_to(wanted, len(names))
  taken = np.zeros(len(names), int)
  limit = 100 * (total // batch_size + 1)
  for i in range(limit):
    if taken.sum() == total:
      return
    images, labels = sample(jax.random.fold_in(jax.random.key(seed), i), batch_size)
    kept = []
    for position, label in enumerate(labels):
      if taken.sum() < total and taken[label] < most[label]:
        taken[label] += 1
        kept.append(position)
    if kept:
      yield images[kept], labels[kept]
  if taken.sum() < total:
    short = {names[int(k)]: int(taken[k]) for k in np.flatnonzero(taken < most)}
    raise UserError(
      f'after {limit * batch_size} images these classes still have too few, {short}: {advice}'
    )


def draw(
  sample: Callable,
  names: Sequence[str],
  num_images: int,
  balanced: bool,
  seed: int,
  batch_size: int,
) -> tuple[np.ndarray, np.ndarray]:
  """Draws a number of labelled images, in batches.

  Args:
    sample: see `stream`.
    names: see `stream`.
    num_images: images to return.
    balanced: keep equal numbers of every label (up to one), the first drawn.
    seed: seed of the noise.
    batch_size: images per batch.

  Returns:
    (images uint8 `[N, H, W, C]`, labels int `[N]`).

  Raises:
    UserError: `num_images` is below 1, or the generator hardly ever draws a class.
  """
  if num_images < 1:
    raise UserError(f'num_images={num_images}: expected a positive integer, for example 1000.')
  wanted = np.full(len(names), num_images // len(names))
  wanted[: num_images % len(names)] += 1
  advice = 'ask for fewer (num_images) or leave out balanced'
  batches = stream(sample, names, wanted if balanced else num_images, seed, batch_size, advice)
  images, labels, start = np.empty(0), np.empty(num_images, int), 0
  for drawn, drawn_labels in batches:
    if start == 0:  # Filled batch by batch, so that memory holds the images once.
      images = np.empty((num_images, *drawn.shape[1:]), drawn.dtype)
    at = slice(start, start := start + len(drawn))
    images[at], labels[at] = drawn, drawn_labels
  return images, labels


def check_new(out: pathlib.Path) -> None:
  """Raises a UserError if the path exists."""
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
  check_new(out)
  try:
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == '.npz':
      np.savez_compressed(out, images=images, labels=labels, class_names=np.array(class_names))
      return
    out.mkdir()
    with open(out / 'labels.csv', 'w', newline='') as file:
      writer = csv.writer(file)
      writer.writerow(['file', 'label', 'class_name'])
      for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = f'{i:06d}.png'
        writers.save_png(out / name, image)
        writer.writerow([name, int(label), class_names[label]])
  except OSError as error:
    raise UserError(f'cannot write --out={out} ({error.strerror}): name another place') from error
