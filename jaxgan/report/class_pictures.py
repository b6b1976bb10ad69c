"""Pictures of class balance: class histograms, and samples sorted by class."""

import functools

import numpy as np

from jaxgan.evaluation.record import IMAGES_FILE, read, read_samples
from jaxgan.evaluation.record import NAME as RECORD
from jaxgan.metrics.class_distribution import (
  THIRDS,
  class_counts,
  frequency_thirds,
  head_medium_tail,
  kl_from_uniform,
)
from jaxgan.report import curves, figures, grids
from jaxgan.report.grids import GAP
from jaxgan.report.pictures import draw
from jaxgan.system import distributed
from jaxgan.system.names import shown
from jaxgan.training import logging, optional

MAX_CLASSES = 10  # more are shown as head, medium and tail
KINDS = {'classes': 'class', 'codes': 'code'}  # in names of files and results
SHARES = 'share of images, frequent to rare'
LONGEST_ROW = 30  # images in a row of samples_by_class
PANELS_ABREAST = 2  # its methods beside each other, the next ones below
_GRID = 100  # images of a sample grid, 10 x 10
_TILE = 32  # pixels; smaller images are enlarged in samples_by_class


def compare(workdir, folders):
  """Draws the evaluations of several methods beside each other.

  Args:
    workdir: gets the pictures.
    folders: {method: the folder of its evaluation.json}.

  Returns:
    Paths of the pictures written; of images without labels they show codes, not classes.
  """
  records = {method: read(folder / RECORD) for method, folder in folders.items()}
  results = {method: record.results for method, record in records.items()}
  first = next(iter(records.values()))
  labels, kind = first.labels[first.counted_by], KINDS[first.counted_by]
  pictures = {
    f'{kind}_histogram.png': functools.partial(_compare_counts, results, labels, kind),
    f'samples_by_{kind}.png': functools.partial(_compare_samples, folders, labels.names),
  }
  for network in ('inception', 'annotator'):
    if all(own.get(f'class_frechet/{network}') for own in results.values()):
      distances = functools.partial(class_frechet, results, labels, network)
      pictures.setdefault('per_class_frechet.png', distances)
  return draw(workdir, pictures)


def _compare_counts(results, labels, kind, path):
  counts = {method: own[f'{kind}_counts'] for method, own in results.items()}
  class_histogram(counts, labels, path)


def _compare_samples(folders, names, path):
  panels = {
    method: read_samples(folder / IMAGES_FILE, 4, 'images', 'labels')
    for method, folder in folders.items()
  }
  samples_by_class(panels, names, path)


def periodic(observer, folder, state, step: int, replica: int, rng) -> None:
  """Draws what a run has while it trains: generated images, losses, shares of classes.

  Args:
    observer: a `generated.Observer`.
    folder: of the run or replica.
    state: a settled state.
    step: of the state.
    replica: which.
    rng: key of the noise, the same at every step.
  """
  for name, ema in (('raw', False), ('ema', True)):  # The same noise through both generators.
    images = distributed.to_host(observer.generate(state, rng, _GRID, ema))
    with optional.output(samples := folder / 'samples'):
      path = samples / f'step_{step:08d}_{name}.png'
      grids.save_png(path, grids.image_grid(images, 10))
  rows = logging.read_metrics(folder)
  pictures = {'loss_curves.png': functools.partial(curves.loss_curves, rows)}
  for kind, labels in observer.judges(replica).label_sets.items():
    shares = functools.partial(shares_over_time, rows, labels.names, labels.counts, kind)
    pictures[f'{KINDS[kind]}_histogram_over_time.png'] = shares
  draw(folder, pictures)


def final(observer, folder, state, record, kept, rng) -> None:
  """Nothing: `compare` draws the evaluated methods together."""


def shares_over_time(rows, class_names, train_counts, kind, path):
  """Draws each class's share of the generated images over the steps; see `share_lines`."""
  curves.save_chart(path, SHARES, *share_lines(rows, class_names, train_counts, kind))


def share_lines(rows, class_names, train_counts=(), kind='classes'):
  """The share of each class, or of more than 10 classes of each third, over the steps.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns.
    class_names: [K] strings.
    train_counts: [K] training images of each class, which order the classes from head to tail; ()
      for classes that are in that order.
    kind: 'classes' or 'codes', of which the rows have counts.

  Returns:
    ([`curves.Line`], the level of a uniform distribution); no line where no row has counts.
  """
  key = f'evaluation/{KINDS[kind]}_counts'
  rows = [row for row in rows if key in row]
  if not rows:
    return [], None
  if len(train_counts) == 0:
    train_counts = range(len(class_names), 0, -1)
  counts = np.array([row[key] for row in rows], np.float64).reshape(len(rows), len(class_names))
  names, shares = _shares(counts, class_names, train_counts)
  steps = [row['step'] for row in rows]
  columns = zip(names, shares.T, strict=True)
  lines = [curves.Line(name, steps, column.tolist()) for name, column in columns]
  return lines, ('uniform', 1 / len(names))


def _shares(counts, class_names, train_counts):
  """Names of classes or thirds, frequent to rare, and their shares [N, names] in counts [N, K]."""
  if len(class_names) > MAX_CLASSES:
    thirds = [head_medium_tail(row, train_counts) for row in counts]
    shares = np.array([[third[name] for name in THIRDS] for third in thirds])
    return third_names(train_counts), shares
  order = np.concatenate(frequency_thirds(train_counts))
  shares = counts / counts.sum(axis=1, keepdims=True)
  return [class_names[k] for k in order], shares[:, order]


def third_names(train_counts):
  """What the thirds of the classes are called: 'head (4 classes)' and so on."""
  groups = zip(THIRDS, frequency_thirds(train_counts), strict=True)
  return [f'{name} ({len(group)} classes)' for name, group in groups]


def class_histogram(counts_by_method, labels, path):
  """Draws the class distribution of the training data and of each method's images.

  The legend gives each distribution's KL divergence from uniform, over all
  classes. More than 10 classes are drawn as head, medium and tail thirds.

  Args:
    counts_by_method: {method: [K] generated images of each class}.
    labels: LabelSet of the K classes.
    path: the PNG.
  """
  distributions = {'training data': labels.counts} | counts_by_method
  counts = np.array([*distributions.values()], np.float64)
  names, shares = _shares(counts, labels.names, labels.counts)
  labelled = {
    f'{name}  (KL {kl_from_uniform(own):.3f})': share
    for (name, own), share in zip(distributions.items(), shares, strict=True)
  }
  figure, axes, entries = _bars(labelled, names, ['0.72', *(f'C{i}' for i in range(len(counts)))])
  axes.set_ylabel('share of images')
  uniform = axes.axhline(1 / len(names), color='black', linestyle='--', linewidth=1.0)
  figures.legend(axes, [*entries, ('uniform', uniform)])
  figures.save_figure(path, figure)


def class_frechet(results_by_method, labels, network, path):
  """Draws how far each method's images of a class are from the real ones, as a Fréchet distance.

  More than 10 classes are drawn as head, medium and tail thirds. What is not defined, as the
  distance of a class without images, has no bar.

  Args:
    results_by_method: {method: the results of its record}.
    labels: LabelSet of the K classes.
    network: name of the network whose features they are.
    path: the PNG.
  """
  names, metric = labels.names, 'class_frechet'
  if len(names) > MAX_CLASSES:
    names, metric = third_names(labels.counts), 'thirds_frechet'
  values = {
    method: np.array(results[f'{metric}/{network}'], np.float64)
    for method, results in results_by_method.items()
  }
  figure, axes, entries = _bars(values, names, [f'C{index}' for index in range(len(values))])
  axes.set_ylabel(f'Fréchet distance ({network})')
  figures.legend(axes, entries)
  figures.save_figure(path, figure)


def _bars(values, names, colors):
  """A figure with a group of bars for each name, a bar in it for each label.

  Returns:
    (figure, axes, entries of its legend).
  """
  figure = figures.new_figure(max(6.0, 0.9 * len(names)), 4.0)
  axes = figure.add_subplot()
  width, entries = 0.84 / len(values), []
  for index, (label, heights) in enumerate(values.items()):
    positions = np.arange(len(names)) + (index - (len(values) - 1) / 2) * width
    entries.append((label, axes.bar(positions, heights, width * 0.94, color=colors[index])))
  figures.plain_axes(axes)
  slot = 0.85 * figure.get_figwidth() / len(names)
  figures.name_columns(axes, list(map(shown, names)), slot)
  axes.grid(axis='x', visible=False)
  return figure, axes, entries


def samples_by_class(panels, class_names, path):
  """Draws generated images sorted by class, one panel a method, one row a class.

  Every panel shows its first n images, with n the largest number for which no
  row is longer than 30 images: no row is cut, so a row's length is the class's
  share. A dashed line marks the row length of a uniform distribution. Of more
  than 10 classes, 10 evenly spaced ones have rows. Two panels stand beside each
  other, more below.

  Args:
    panels: {title: (images uint8 [N, H, W, C], labels [N])}.
    class_names: [K] strings.
    path: the PNG.

  Raises:
    ValueError: a panel has no image, or not one label an image.
  """
  for title, (images, labels) in panels.items():
    if not 0 < len(images) == len(labels):
      raise ValueError(
        f"panel '{title}' needs one label an image, got {len(images)} and {len(labels)}"
      )
  shown_classes = evenly_spaced(len(class_names), MAX_CLASSES)
  number = _longest_rows([labels for _, labels in panels.values()], shown_classes)
  figure = figures.new_figure(layout=None)
  for index, (title, (images, labels)) in enumerate(panels.items()):
    tiles, labels = grids.to_tiles(images[:number], _TILE), np.asarray(labels[:number])
    counts = class_counts(labels, len(class_names))[shown_classes]
    canvas = grids.to_canvas([tiles[labels == k] for k in shown_classes], max(1, *counts))
    names = [shown(class_names[k]) for k in shown_classes] if index % PANELS_ABREAST == 0 else []
    axes = grids.panel(figure, canvas, title, names)
    _mark_rows(axes, counts, tiles.shape[1:3], number / len(class_names))
  figures.save_figure(path, figure, PANELS_ABREAST)


def evenly_spaced(number, most):
  """At most so many of the numbers 0, ..., at even distances, with the first and the last."""
  return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(int))


def _longest_rows(labels_of_panels, classes):
  """How many first images of each panel have at most 30 of each class."""
  number = min(map(len, labels_of_panels))
  for labels in labels_of_panels:
    for k in classes:
      too_long = np.flatnonzero(np.asarray(labels) == k)[LONGEST_ROW:]
      number = min([number, *too_long[:1]])
  return number


def _mark_rows(axes, counts, size, uniform):
  """Writes behind each row of tiles how many they are, and marks where a row of `uniform` ends."""
  height, width = np.add(size, GAP)
  end, bottom = uniform * width, len(counts) * height
  axes.axvline(end - GAP / 2, color='C3', linestyle='--', linewidth=1.2, clip_on=False)
  axes.text(end, bottom + 4, 'uniform', ha='center', va='top', fontsize=9, color='C3')
  box = {'facecolor': 'white', 'edgecolor': 'none', 'pad': 1.0}
  for row, count in enumerate(counts):
    place = count * width + 6, (row + 0.5) * height - GAP / 2
    axes.text(*place, str(count), va='center', fontsize=9, color='0.35', bbox=box)
