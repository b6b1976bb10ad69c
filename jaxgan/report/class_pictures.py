"""Pictures of class balance: class histograms, and samples sorted by class."""

import numpy as np

from jaxgan.drawing import curves, grids
from jaxgan.drawing.figures import DPI, legend, new_figure, plain_axes, save_figure
from jaxgan.drawing.grids import GAP, to_canvas, to_tiles
from jaxgan.drawing.page import text_width
from jaxgan.evaluation.record import IMAGES_FILE, read, read_samples
from jaxgan.evaluation.record import NAME as RECORD
from jaxgan.metrics.class_distribution import (
  THIRDS,
  class_counts,
  head_medium_tail,
  kl_from_uniform,
)
from jaxgan.report import shares as shares_lib
from jaxgan.report.shares import MAX_CLASSES, third_names
from jaxgan.system import distributed
from jaxgan.system.names import shown
from jaxgan.training import logging, optional

_NAME = 14  # pixels, the 10 points of a name beside a row
_GRID = 100  # images of a sample grid, 10 x 10
KINDS = {'classes': 'class', 'codes': 'code'}  # in names of files and results
LONGEST_ROW = 30  # images in a row of samples_by_class
PANELS_ABREAST = 2  # its methods beside each other, the next ones below


def compare(workdir, folders):
  """Draws the evaluations of several methods beside each other.

  Args:
    workdir: gets the pictures.
    folders: {method: the folder of its evaluation.json}.

  Returns:
    Paths of the pictures written; of images without labels they show codes, not classes.
  """
  records, drawn = {method: read(folder / RECORD) for method, folder in folders.items()}, []
  results = {method: record.results for method, record in records.items()}
  first = next(iter(records.values()))
  labels, kind = first.labels[first.counted_by], KINDS[first.counted_by]
  path = workdir / f'{kind}_histogram.png'
  with optional.output(path):
    counts = {method: own[f'{kind}_counts'] for method, own in results.items()}
    class_histogram(counts, labels, path)
    drawn.append(path)
  path = workdir / f'samples_by_{kind}.png'
  with optional.output(path):
    panels = {
      method: read_samples(folder / IMAGES_FILE, 4, 'images', 'labels')
      for method, folder in folders.items()
    }
    samples_by_class(panels, labels.names, path)
    drawn.append(path)
  networks = ('inception', 'annotator')
  network = next(
    (n for n in networks if all(own.get(f'class_frechet/{n}') for own in results.values())), None
  )
  path = workdir / 'per_class_frechet.png'
  if network:
    with optional.output(path):
      class_frechet(results, labels, network, path)
      drawn.append(path)
  return drawn


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
  with optional.output(path := folder / 'loss_curves.png'):
    curves.loss_curves(rows, path)
  for kind, labels in observer.judges(replica).label_sets.items():
    counts = f'evaluation/{KINDS[kind]}_counts'
    with optional.output(path := folder / f'{KINDS[kind]}_histogram_over_time.png'):
      class_histogram_over_time(rows, path, labels.names, counts, labels.counts)


def final(observer, folder, state, record, kept, rng) -> None:
  """Nothing: `compare` draws the evaluated methods together."""


def class_histogram_over_time(
  rows, path, class_names, key='evaluation/class_counts', train_counts=None
):
  """Draws each class's share of the generated images over the steps.

  More than 10 classes are drawn as head, medium and tail thirds. Without rows
  that have the key, draws nothing.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns.
    path: the PNG.
    class_names: [K] strings.
    key: the rows' name for the class counts [K].
    train_counts: [K] training images of each class, which order the classes
      from head to tail; by default the classes are in that order already.
  """
  if train_counts is None:
    train_counts = np.arange(len(class_names), 0, -1)
  steps, names, shares = shares_lib.over_time(rows, class_names, train_counts, key)
  if not steps:
    return
  figure = new_figure(8.0, 4.0)
  axes = figure.add_subplot()
  entries, marker = [], '.' if len(steps) < 30 else None
  for name, share, color in zip(names, shares.T, _colors(len(names)), strict=True):
    (line,) = axes.plot(steps, share, color=color, linewidth=1.8, marker=marker)
    entries.append((shown(name), line))
  entries.append(('uniform', _uniform(axes, names)))
  axes.set_ylim(bottom=0.0)
  axes.set_xlabel('step')
  axes.set_ylabel('share of generated images')
  plain_axes(axes)
  legend(
    axes,
    entries,
    loc='center left',
    bbox_to_anchor=(1.01, 0.5),
    frameon=False,
    title='frequent to rare',
    alignment='left',
  )
  save_figure(path, figure)


def class_histogram(counts_by_method, labels, path):
  """Draws the class distribution of the training data and of each method's images.

  The legend gives each distribution's KL divergence from uniform, over all
  classes. More than 10 classes are drawn as head, medium and tail thirds.

  Args:
    counts_by_method: {method: [K] generated images of each class}.
    labels: LabelSet of the K classes.
    path: the PNG.
  """
  class_names, train_counts = labels.names, np.array(labels.counts)
  distributions = {'training data': train_counts} | counts_by_method
  if len(class_names) <= MAX_CLASSES:
    names = list(class_names)
    shares = {name: np.asarray(counts) / np.sum(counts) for name, counts in distributions.items()}
  else:
    names = third_names(train_counts)
    thirds = {
      name: head_medium_tail(counts, train_counts) for name, counts in distributions.items()
    }
    shares = {name: np.array([third[key] for key in THIRDS]) for name, third in thirds.items()}

  labelled = {
    f'{name}  (KL {kl_from_uniform(distributions[name]):.3f})': share
    for name, share in shares.items()
  }
  colors = ['0.72', *(f'C{index}' for index in range(len(shares) - 1))]
  figure, axes, entries = _bars(labelled, names, colors)
  axes.set_ylabel('share of images')
  legend(axes, [*entries, ('uniform', _uniform(axes, names))], frameon=False)
  save_figure(path, figure)


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
  names, metric = list(labels.names), 'class_frechet'
  if len(names) > MAX_CLASSES:
    names, metric = third_names(labels.counts), 'thirds_frechet'
  values = {
    method: np.array(results[f'{metric}/{network}'], np.float64)
    for method, results in results_by_method.items()
  }
  figure, axes, entries = _bars(values, names, [f'C{index}' for index in range(len(values))])
  axes.set_ylabel(f'Fréchet distance ({network})')
  legend(axes, entries, frameon=False)
  save_figure(path, figure)


def _bars(values, names, colors):
  """A figure with a group of bars for each name, a bar in it for each label.

  Returns:
    (figure, axes, entries of its legend).
  """
  figure = new_figure(max(6.0, 0.9 * len(names)), 4.0)
  axes = figure.add_subplot()
  positions = np.arange(len(names))
  width, entries, names = 0.84 / len(values), [], list(map(shown, names))
  for index, (label, heights) in enumerate(values.items()):
    offset = (index - (len(values) - 1) / 2) * width
    bars = axes.bar(positions + offset, heights, width * 0.94, color=colors[index])
    entries.append((label, bars))
  plain_axes(axes)
  slot = 0.85 * figure.get_figwidth() * DPI / len(names)
  fits = max(text_width(name, _NAME) for name in names) < 0.9 * slot
  slanted = {'rotation': 30, 'ha': 'right', 'rotation_mode': 'anchor'}
  axes.set_xticks(positions, names, **({} if fits else slanted))
  axes.grid(axis='x', visible=False)
  return figure, axes, entries


def _uniform(axes, names):
  """A line at the share that each class has in a uniform distribution."""
  return axes.axhline(1 / len(names), color='black', linestyle='--', linewidth=1.0)


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
  num_classes = len(class_names)
  for title, (images, labels) in panels.items():
    if not 0 < len(images) == len(labels):
      raise ValueError(
        f"panel '{title}' needs one label an image, got {len(images)} and {len(labels)}"
      )
  rows_of = np.unique(np.linspace(0, num_classes - 1, min(num_classes, MAX_CLASSES)).round())
  rows_of = rows_of.astype(int)
  samples = min(len(labels) for _, labels in panels.values())
  for _, labels in panels.values():
    for k in rows_of:
      too_long = np.flatnonzero(np.asarray(labels) == k)[LONGEST_ROW:]
      samples = min([samples, *too_long[:1]])

  rows, counts = {}, {}
  for title, (images, labels) in panels.items():
    tiles, labels = to_tiles(images[:samples], 32), np.asarray(labels[:samples])
    counts[title] = class_counts(labels, num_classes)
    rows[title] = [tiles[labels == k] for k in rows_of]
  # As wide as its longest row; a title must not run into the next panel.
  columns = {title: max(len(title) // 3, *map(len, panel)) for title, panel in rows.items()}
  canvases = {title: to_canvas(panel, columns[title]) for title, panel in rows.items()}

  # Axes are placed in pixels, so that matplotlib draws each pixel of a tile as it is.
  height = next(iter(canvases.values())).shape[0]
  tile_height, tile_width = tiles.shape[1] + GAP, tiles.shape[2] + GAP
  names = [shown(class_names[k]) for k in rows_of]
  left, right, top, bottom = 24 + max(text_width(name, _NAME) for name in names), 44, 34, 30
  titles = list(panels)
  lines = [titles[i : i + PANELS_ABREAST] for i in range(0, len(titles), PANELS_ABREAST)]
  ends = [np.cumsum([canvases[t].shape[1] + right for t in line]) for line in lines]
  line_height = top + height + bottom
  total = np.array([left + max(end[-1] for end in ends), line_height * len(lines)])
  figure = new_figure(*(total / DPI), layout=None)
  for index, (title, canvas) in enumerate(canvases.items()):
    line, column = divmod(index, PANELS_ABREAST)
    width = canvas.shape[1]
    x, y = ends[line][column] - width - right, (len(lines) - 1 - line) * line_height
    axes = figure.add_axes(np.array([left + x, y + bottom, width, height]) / np.tile(total, 2))
    axes.imshow(canvas, extent=(0, width, height, 0), interpolation='nearest')
    axes.set_title(title, fontsize=12, pad=8)
    uniform = samples / num_classes * tile_width
    axes.axvline(uniform - GAP / 2, color='C3', linestyle='--', linewidth=1.2)
    axes.text(uniform, height + 6, 'uniform', ha='center', va='top', fontsize=9, color='C3')
    for row, k in enumerate(rows_of):
      axes.text(
        len(rows[title][row]) * tile_width + 6,
        (row + 0.5) * tile_height - GAP / 2,
        str(counts[title][k]),
        va='center',
        fontsize=9,
        color='0.35',
        bbox={'facecolor': 'white', 'edgecolor': 'none', 'pad': 1.0},
      )
    axes.spines[:].set_visible(False)
    beside = names if column == 0 else []
    axes.set_yticks((np.arange(len(beside)) + 0.5) * tile_height - GAP / 2, beside, fontsize=10)
    axes.set_xticks([])
    axes.set_xlim(0, width)
    axes.tick_params(length=0)
  save_figure(path, figure)


def _colors(number):
  """One colour a class, dark (head) to light (tail), so that the order can be seen."""
  from matplotlib import colormaps

  return colormaps['viridis'](np.linspace(0.0, 0.92, number))
