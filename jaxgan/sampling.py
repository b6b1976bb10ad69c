"""Images from a trained generator, labelled by the classifier, as PNGs or one npz."""

import csv
import pathlib

import jax
import numpy as np
from PIL import Image

from jaxgan.errors import UserError


def draw(sample, names, num_images: int, balanced: bool, seed: int, batch_size: int):
  """Draws labelled images, in batches, until there are enough.

  Args:
    sample: `sample(rng, num_images) -> (images, labels)`, see `jaxgan.families`.
    names: of the labels.
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
  taken = np.zeros(len(names), int)
  images, labels = [], []
  limit = 100 * (num_images // batch_size + 1)
  for i in range(limit):
    batch = sample(jax.random.fold_in(jax.random.key(seed), i), batch_size)
    for image, label in zip(*batch, strict=True):
      if taken.sum() < num_images and (not balanced or taken[label] < wanted[label]):
        taken[label] += 1
        images.append(image)
        labels.append(label)
    if taken.sum() == num_images:
      return np.stack(images), np.array(labels)
  short = {names[k]: int(taken[k]) for k in np.flatnonzero(taken < wanted)}
  raise UserError(
    f'after {limit * batch_size} images these classes are still short of '
    f'{num_images // len(names)}: {short}; ask for fewer (num_images) or leave out balanced'
  )


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
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(out / name)
        writer.writerow([name, int(label), class_names[label]])
  except OSError as error:
    raise UserError(f'cannot write --out={out} ({error.strerror}): name another place') from error
