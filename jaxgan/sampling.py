"""Images from a trained generator, labelled by the classifier, as PNGs or one npz."""

import csv
import pathlib

import jax
import numpy as np
from PIL import Image

from jaxgan import data as data_lib
from jaxgan import jobs
from jaxgan.errors import UserError


def draw(setup, method: str, which: str, num_images: int, balanced: bool, seed: int):
  """Draws images from a checkpoint's EMA generator, labelled by the classifier.

  Args:
    setup: the experiment's Setup.
    method: name of the method.
    which: 'latest', 'best' or a step.
    num_images: images to return.
    balanced: keep equal numbers of every class (up to one), the first that are drawn.
    seed: of the noise.

  Returns:
    (images uint8 `[N, H, W, C]`, labels int `[N]`, the labelling Classifier, the step).
  """
  algorithm, step, state = setup.restore(method, which)
  labeller = setup.classifier or setup.annotator
  num_classes = len(labeller.class_names)
  wanted = np.full(num_classes, num_images // num_classes)
  wanted[: num_images % num_classes] += 1
  batch_size = setup.config.evaluation.batch_size
  generate = jax.jit(algorithm.generate, static_argnums=2)
  classify = jobs.compile_classify(labeller.classify)
  taken = np.zeros(num_classes, int)
  images, labels = [], []
  limit = 100 * (num_images // batch_size + 1)
  for i in range(limit):
    with jax.set_mesh(setup.mesh):
      rng = jax.random.fold_in(jax.random.key(seed), i)
      batch = np.asarray(data_lib.to_uint8(generate(state, rng, batch_size)))
    batch_labels, _ = classify(labeller.variables, batch)
    for image, label in zip(batch, batch_labels, strict=True):
      if taken.sum() < num_images and (not balanced or taken[label] < wanted[label]):
        taken[label] += 1
        images.append(image)
        labels.append(label)
    if taken.sum() == num_images:
      return np.stack(images), np.array(labels), labeller, step
  short = {labeller.class_names[k]: int(taken[k]) for k in np.flatnonzero(taken < wanted)}
  raise UserError(
    f'after {limit * batch_size} images these classes are still short of '
    f'{num_images // num_classes}: {short}; ask for fewer (--num_images) or leave out --balanced'
  )


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
  if out.exists():
    raise UserError(f'--out={out} exists: nothing is overwritten, name a new folder or .npz file')
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
