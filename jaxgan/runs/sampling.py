"""Images from a trained generator, labelled by the classifier, as PNGs or one npz."""

import csv
import pathlib

import jax
import numpy as np

from data_prep import writers
from jaxgan.errors import UserError


def stream(sample, names, wanted, seed: int, batch_size: int, advice: str):
  """Draws labelled images batch by batch until there are enough; yields what is kept of each batch.

  Args:
    sample: `sample(rng, num_images) -> (images, labels)`, see `jaxgan.evaluation.evaluate`.
    names: of the labels `[K]`.
    wanted: int `[K]`, the images to keep of each label, the first that are drawn; or how many there
      are to be of whatever labels they have.
    seed: of the noise.
    batch_size: images to draw at once.
    advice: ends the message of the error.

  Yields:
    (images uint8 `[N, H, W, C]`, labels int `[N]`), N from 1 to batch_size.

  Raises:
    UserError: a class that hardly ever comes.
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
    short = {names[k]: int(taken[k]) for k in np.flatnonzero(taken < most)}
    raise UserError(
      f'after {limit * batch_size} images these classes are still short, with {short}: {advice}'
    )


def draw(sample, names, num_images: int, balanced: bool, seed: int, batch_size: int):
  """Draws labelled images, in batches, until there are enough.

  Args:
    sample: see `stream`.
    names: see `stream`.
    num_images: images to return.
    balanced: keep equal numbers of every label (up to one), the first that are drawn.
    seed: of the noise.
    batch_size: images to draw at once.

  Returns:
    (images uint8 `[N, H, W, C]`, labels int `[N]`).

  Raises:
    UserError: no number of images, or a class that hardly ever comes.
  """
  if num_images < 1:
    raise UserError(f'num_images={num_images} is not possible: use 1 or more')
  wanted = np.full(len(names), num_images // len(names))
  wanted[: num_images % len(names)] += 1
  advice = 'ask for fewer (num_images) or leave out balanced'
  wanted = wanted if balanced else num_images
  images, labels, start = None, np.empty(num_images, int), 0
  for drawn, drawn_labels in stream(sample, names, wanted, seed, batch_size, advice):
    if images is None:  # Filled batch by batch: they are in memory once.
      images = np.empty((num_images, *drawn.shape[1:]), drawn.dtype)
    at = slice(start, start := start + len(drawn))
    images[at], labels[at] = drawn, drawn_labels
  return images, labels


def check_new(out: pathlib.Path) -> None:
  """Raises a UserError where there is something already."""
  if out.exists():
    raise UserError(f'--out={out} exists: nothing is overwritten, name a new folder or .npz file')


def save(out: pathlib.Path, images, labels, class_names) -> None:
  """Writes images and labels, to a new npz or to a new folder of PNGs with labels.csv.

  Args:
    out: ends in .npz, or is a folder.
    images: uint8 `[N, H, W, C]`.
    labels: int `[N]`.
    class_names: `[K]` strings.

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
