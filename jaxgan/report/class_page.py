"""What a page shows of a run: curves, sample grids, images by class and beside their nearest."""

from pathlib import Path

import numpy as np

from jaxgan.evaluation import memorisation
from jaxgan.evaluation.record import IMAGES_FILE, NEAREST_FILE, read_samples
from jaxgan.report import blocks, shares
from jaxgan.report.curves import Line, chart, training
from jaxgan.report.formatting import number

CLASSES_SHOWN, IMAGES_SHOWN = 10, 16  # of the images by class
NEAREST_NOTE = (
  'Does the generator copy? Pairs of a generated image and the training image nearest to it: of '
  'the rarest classes (as the annotator sees them) those generated images that come nearest. '
  "Below, their distance in the annotator's features and how many of the held-out real images of "
  'the class come nearer to a training image than that. Copying: how probably a generated image '
  'of the class is nearer to a training image than a held-out one is: 0.5 where both are alike, '
  '1 of copies, small where generated images are unlike all real ones.'
)


def trained(folder, class_names, train_counts):
  """Blocks of what a run has since it began: losses, scores, shares of the classes, sample grids.

  Args:
    folder: of the run or replica.
    class_names: [K] strings.
    train_counts: [K] training images of each class.
  """

  def shares_chart(rows):
    steps, names, values = _shares(rows, class_names, train_counts)
    columns = zip(names, values.T.tolist(), strict=True)
    lines = [Line(name, steps, column) for name, column in columns]
    uniform = ('uniform', 1 / max(1, len(names)))
    return chart('share of images, frequent to rare', lines, level=uniform, zeros='y')

  note = 'The same noise at every step, through the moving average of the generator.'
  grids = blocks.steps(folder, 'step_*_ema.png', 'Generated images over the steps', note)
  return training(folder, 'Classes and distances', shares_chart) + grids


def _shares(rows, class_names, train_counts):
  """`shares.over_time` of the classes or, without labels, of the codes in their own order."""
  found = shares.over_time(rows, class_names, train_counts)
  codes = next((row[shares.CODE_COUNTS] for row in rows if shares.CODE_COUNTS in row), ())
  if found[0] or not codes:
    return found
  names = [f'code_{code}' for code in range(len(codes))]
  return shares.over_time(rows, names, np.arange(len(codes), 0, -1), shares.CODE_COUNTS)


def evaluated(folder, record):
  """Blocks of a run's evaluation: images by class, images of the tail beside their nearest.

  Args:
    folder: of the run or replica.
    record: its EvaluationRecord.
  """
  folder, kind = Path(folder), record.counted_by
  found = []
  if (folder / IMAGES_FILE).exists():
    found.append(_by_label(folder, record.labels[kind].names, kind))
  if kind == 'codes':
    return found
  names = record.labels['classes'].names
  measured = {
    name.partition('/')[2]: values
    for name, values in record.results.items()
    if name.startswith('memorisation/')
  }
  if not measured:
    return found
  if sum(measured['shown']):
    found.append(_nearest(folder, names, measured))
  if distances := _distances(names, measured):
    found.append(blocks.Curves('Distances to the nearest training image', distances))
  return found


def _read(path, *others):
  """The images in an npz and the arrays that say something of each of them."""
  arrays = read_samples(path, 4, 'images', *others)
  if len({len(array) for array in arrays}) > 1:
    raise ValueError(f'{path.name}: {[len(array) for array in arrays]} values of each image')
  return arrays


def _by_label(folder, names, kind):
  path, seen_by = folder / IMAGES_FILE, {'classes': 'annotator', 'codes': 'recogniser'}[kind]
  images, labels = _read(path, 'labels')
  shown = np.unique(
    np.linspace(0, len(names) - 1, min(len(names), CLASSES_SHOWN)).round().astype(int)
  )
  rows = []
  for k in shown:
    own = np.flatnonzero(labels == k)
    tiles = [_tile(images[i], f'generated, {names[k]}') for i in own[:IMAGES_SHOWN]]
    rows.append((names[k], f'{len(own)} images', tiles))
  note = (
    f'The first {len(images)} generated images by the {kind} that the {seen_by} sees in them, at '
    f'most {IMAGES_SHOWN} of each.'
  )
  if len(shown) < len(names):
    note += f' {len(shown)} of the {len(names)} {kind}, evenly spaced.'
  return blocks.Tiles(f'Samples by {"class" if kind == "classes" else "code"}', rows, note)


def _tile(image, alt, *others, note=''):
  return blocks.Tile([blocks.to_image(image, alt), *others], note)


def _nearest(folder, names, measured):
  path = folder / NEAREST_FILE
  others = ('labels', 'nearest', 'nearest_labels', 'distances')
  images, labels, nearest, nearest_labels, distances = _read(path, *others)
  rows = []
  fields = ('classes', 'copying', 'generated_images', 'held_out_images', 'held_out_quantiles')
  for k, copying, generated, held_out, quantiles in zip(
    *(measured[f] for f in fields), strict=True
  ):
    tiles = []
    for i in np.flatnonzero(labels == k):
      real = blocks.to_image(nearest[i], f'training image, {names[nearest_labels[i]]}')
      note = number(distances[i])
      if quantiles:
        note += f' ({100 * np.interp(distances[i], quantiles, memorisation.QUANTILES):.0f} %)'
      tiles.append(_tile(images[i], f'generated, {names[k]}', real, note=note))
    copied = '-' if copying is None else number(copying)
    note = f'copying {copied} ({generated} generated, {held_out} held-out images)'
    rows.append((names[k], note, tiles))
  return blocks.Tiles('Nearest training images', rows, NEAREST_NOTE)


def _distances(names, measured):
  """A chart for each class: how many of the generated and held-out images are within a distance."""
  charts = []
  fields = ('classes', 'generated_quantiles', 'held_out_quantiles')
  for k, *quantiles in zip(*(measured[field] for field in fields), strict=True):
    lines = [
      Line(name, values, memorisation.QUANTILES.tolist())
      for name, values in zip(('generated', 'held-out real'), quantiles, strict=True)
      if values
    ]
    title = f'{names[k]}: share of images within a distance'
    charts.append(chart(title, lines, 'distance', zeros='xy', last=False))
  return [one for one in charts if one]
