"""Pictures of class balance, as files and on pages: histograms and samples sorted by class."""

from collections.abc import Mapping, Sequence
import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgan.evaluation import memorisation
from jaxgan.evaluation.record import (
  IMAGES_FILE,
  NAME,
  NEAREST_FILE,
  EvaluationRecord,
  LabelSet,
  read,
  read_samples,
)
from jaxgan.metrics.class_distribution import (
  by_frequency,
  class_counts,
  frequency_thirds,
  head_medium_tail,
  kl_from_uniform,
)
from jaxgan.report import blocks, curves, figures, grids, tables
from jaxgan.system import distributed
from jaxgan.system.names import shown
from jaxgan.training import logging, optional

MAX_CLASSES = 10  # more classes are drawn as head, medium and tail
KINDS = {'classes': 'class', 'codes': 'code'}  # in names of files and results
SHARES = 'share of images, frequent to rare'
LONGEST_ROW = 30  # images in a row of samples_by_class
PANELS_ABREAST = 2  # methods side by side in samples_by_class
_COLORS = [f'C{index}' for index in range(10)] * 10  # of methods
NEAREST_EXPLANATION = (
  'Does the generator copy? Each pair is a generated image and its nearest training image, for the '
  'rarest classes by the labels of the annotator and for the generated images nearest to training '
  "images. The caption gives their distance in the annotator's features, and the share of held-out "
  'real images of the class that are nearer to a training image. Copying is the probability that a '
  'generated image of the class is nearer to a training image than a held-out image: 0.5 if both '
  'are equally near, 1 for copies, small if generated images are unlike all real images.'
)
CLASSES_SHOWN, IMAGES_SHOWN = 10, 16  # classes, and images per class, on a page
_GRID = 100  # images of a sample grid, 10 x 10
_TILE = 32  # pixels; smaller images are enlarged in samples_by_class


def compare(workdir: Path, folders: Mapping[str, Path]) -> list[Path]:
  """Draws the evaluations of several methods side by side.

  Args:
    workdir: the folder for the pictures.
    folders: {method: the folder of its evaluation.json}.

  Returns:
    Paths of the pictures; for images without labels they show codes, not classes.
  """
  records = {method: read(folder / NAME) for method, folder in folders.items()}
  results = {method: record.results for method, record in records.items()}
  first = next(iter(records.values()))
  counted_by = first.counted_by or ''
  labels, kind = first.labels[counted_by], KINDS[counted_by]
  counts = {method: own.get(f'{kind}_counts') for method, own in results.items()}
  pictures = {
    f'{kind}_histogram.png': functools.partial(class_histogram, counts, labels),
    f'samples_by_{kind}.png': functools.partial(_compare_samples, folders, labels.names),
  }
  for network in ('annotator', 'inception'):  # Inception's distances replace the annotator's.
    if all(own.get(f'class_frechet/{network}') for own in results.values()):
      distances = functools.partial(class_frechet, results, labels, network)
      pictures['per_class_frechet.png'] = distances
  return figures.draw(workdir, pictures)


def _compare_samples(folders, names, path):
  panels = {}
  for method, folder in folders.items():
    images, labels = read_samples(folder / IMAGES_FILE, 4, 'images', 'labels')
    panels[method] = images, labels
  samples_by_class(panels, names, path)


def observe(observer: Any, state: Any, replica: int, rng: jax.Array) -> tuple:
  """Draws images of both generators for `periodic`.

  Args:
    observer: a `jaxgan.evaluation.generated.Observer`.
    state: a settled state.
    replica: the number of the replica.
    rng: key of the noise, the same at every step.

  Returns:
    ({'raw' or 'ema': images}, the label sets of the judges).
  """
  images = {  # The same noise through both generators.
    name: distributed.to_host(observer.generate(state, rng, _GRID, ema))
    for name, ema in (('raw', False), ('ema', True))
  }
  return images, observer.judges(replica).label_sets


def periodic(folder: Path, step: int, seen: tuple) -> None:
  """Draws a run during training: generated images, losses, shares of classes.

  Args:
    folder: the folder of the run or replica.
    step: the step of the state.
    seen: the result of `observe`.
  """
  images, label_sets = seen
  for name, drawn in images.items():
    samples = folder / 'samples'
    with optional.output(str(samples)):
      grids.save_png(samples / f'step_{step:08d}_{name}.png', grids.image_grid(drawn, 10))
  rows = logging.read_metrics(folder)
  pictures = {'loss_curves.png': functools.partial(curves.loss_curves, rows)}
  for kind, labels in label_sets.items():
    shares = functools.partial(shares_over_time, rows, labels.names, labels.counts, kind)
    pictures[f'{KINDS[kind]}_histogram_over_time.png'] = shares
  figures.draw(folder, pictures)


def final(
  observer: Any, folder: Path, state: Any, record: EvaluationRecord, kept: Any, rng: jax.Array
) -> None:
  """Draws nothing: `compare` draws the evaluated methods together."""


def shares_over_time(
  rows: Sequence[Mapping[str, Any]],
  class_names: Sequence[str],
  train_counts: Sequence[int],
  kind: str,
  path: Path,
) -> None:
  """Draws each class's share of the generated images over the steps; see `share_lines`."""
  lines, level = share_lines(rows, class_names, train_counts, kind)
  curves.save_chart(path, SHARES, lines, level=level, zeros='y')


def share_lines(
  rows: Sequence[Mapping[str, Any]],
  class_names: Sequence[str],
  train_counts: Sequence[int] = (),
  kind: str = 'classes',
) -> tuple[list[curves.Line], tuple[str, float] | None]:
  """Makes lines of the share of each class over the steps; of each third for more than 10 classes.

  Args:
    rows: the result of `jaxgan.training.logging.read_metrics`.
    class_names: `[K]` strings.
    train_counts: `[K]` training images of each class, which order the classes from head to tail; ()
      for classes in this order.
    kind: 'classes' or 'codes', the kind of counts in the rows.

  Returns:
    ([`Line`], (name, level) of a uniform distribution); ([], None) without counts.
  """
  key = f'evaluation/{KINDS[kind]}_counts'
  rows = [row for row in rows if key in row]
  if not rows:
    return [], None
  train_counts = list(train_counts) or range(len(class_names), 0, -1)
  counts = np.array([row[key] for row in rows], np.float64).reshape(len(rows), len(class_names))
  names, shares = _shares(counts, class_names, train_counts)
  return curves.columns(rows, names, shares.tolist()), ('uniform', 1 / len(names))


def _shares(counts, class_names, train_counts):
  """Returns names of classes or thirds, frequent to rare, and their shares in counts `[N, K]`."""
  if len(class_names) > MAX_CLASSES:
    shares = [list(head_medium_tail(row, train_counts).values()) for row in counts]
    return third_names(train_counts), np.array(shares)
  order, shares = by_frequency(train_counts), counts / counts.sum(axis=1, keepdims=True)
  return [shown(class_names[k]) for k in order], shares[:, order]


def third_names(train_counts: Sequence[int]) -> list[str]:
  """Names the thirds of the classes: 'head (4 classes)' and so on."""
  return [f'{name} ({len(own)} classes)' for name, own in frequency_thirds(train_counts).items()]


def class_histogram(counts_by_method: Mapping[str, Any], labels: LabelSet, path: Path) -> None:
  """Draws the class distribution of the training data and of each method's images.

  The legend gives each distribution's KL divergence from uniform, over all classes. More than 10
  classes are drawn as head, medium and tail thirds.

  Args:
    counts_by_method: {method: `[K]` generated images of each class}.
    labels: LabelSet of the K classes.
    path: the PNG.
  """
  distributions = {'training data': labels.counts, **counts_by_method}
  counts = np.array([*distributions.values()], np.float64)
  names, shares = _shares(counts, labels.names, labels.counts)
  labelled = {
    f'{name}  (KL {kl_from_uniform(own):.3f})': share
    for (name, own), share in zip(distributions.items(), shares, strict=True)
  }
  figure, axes, entries = figures.bars(labelled, names, 'share of images', ['0.72', *_COLORS])
  uniform = axes.axhline(1 / len(names), color='black', linestyle='--', linewidth=1.0)
  figures.legend(axes, [*entries, ('uniform', uniform)])
  figures.save_figure(path, figure)


def class_frechet(
  results_by_method: Mapping[str, Mapping[str, Any]], labels: LabelSet, network: str, path: Path
) -> None:
  """Draws the Fréchet distance between each method's images and the real images of each class.

  More than 10 classes are drawn as head, medium and tail thirds. An undefined distance, as for a
  class without images, has no bar.

  Args:
    results_by_method: {method: the results of its record}.
    labels: LabelSet of the K classes.
    network: the name of the network that provides the features.
    path: the PNG.
  """
  names, metric = list(map(shown, labels.names)), 'class_frechet'
  if len(names) > MAX_CLASSES:
    names, metric = third_names(labels.counts), 'thirds_frechet'
  values = {
    method: np.array(results[f'{metric}/{network}'], np.float64)
    for method, results in results_by_method.items()
  }
  figure, axes, entries = figures.bars(values, names, f'Fréchet distance ({network})', _COLORS)
  figures.legend(axes, entries)
  figures.save_figure(path, figure)


def samples_by_class(
  panels: Mapping[str, tuple[np.ndarray, np.ndarray]], class_names: Sequence[str], path: Path
) -> None:
  """Draws generated images sorted by class: a panel for each method, a row for each class.

  Every panel shows its first n images, where n is the largest number for which no row exceeds 30
  images. No row is cut, so that its length shows the share of the class. A dashed line marks the
  row length of a uniform distribution. With more than 10 classes, 10 evenly spaced classes have
  rows. Two panels are side by side, further ones below.

  Args:
    panels: {title: (images uint8 `[N, H, W, C]`, labels `[N]`)}.
    class_names: `[K]` strings.
    path: the PNG.
  """
  shown_classes = blocks.evenly(range(len(class_names)), MAX_CLASSES)
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


def _longest_rows(labels_of_panels, classes):
  """Returns the largest n such that the first n images of a panel have at most 30 of each class."""
  places = [np.flatnonzero(labels == k) for labels in labels_of_panels for k in classes]
  return min(
    [*map(len, labels_of_panels), *(own[LONGEST_ROW] for own in places if len(own) > LONGEST_ROW)]
  )


def _mark_rows(axes, counts, size, uniform):
  """Writes the number of tiles after each row, and marks the end of a row of `uniform` tiles."""
  height, width = np.add(size, grids.GAP)
  end, bottom = uniform * width, len(counts) * height
  axes.axvline(end - grids.GAP / 2, color='C3', linestyle='--', linewidth=1.2, clip_on=False)
  axes.text(end, bottom + 4, 'uniform', ha='center', va='top', fontsize=9, color='C3')
  style = {'va': 'center', 'fontsize': 9, 'color': '0.35'}
  style['bbox'] = {'facecolor': 'white', 'edgecolor': 'none', 'pad': 1.0}
  for row, count in enumerate(counts):
    axes.text(count * width + 6, (row + 0.5) * height - grids.GAP / 2, str(count), **style)


def trained(folder: Path, class_names: Sequence[str], train_counts: Sequence[int]) -> list:
  """Makes the blocks of a run in training: losses, scores, shares of classes, sample grids.

  Args:
    folder: the folder of the run or replica.
    class_names: `[K]` strings.
    train_counts: `[K]` training images of each class.

  Returns:
    The blocks.
  """

  def shares_chart(rows):
    shares, level = share_lines(rows, class_names, train_counts)
    if not shares:  # A run without labels has codes, in numerical order.
      number = max((len(row.get('evaluation/code_counts', ())) for row in rows), default=0)
      shares, level = share_lines(rows, [f'code_{code}' for code in range(number)], kind='codes')
    return curves.chart(SHARES, shares, level=level, zeros='y')

  note = 'The moving average of the generator draws every step from the same noise.'
  steps = blocks.steps(folder, 'step_*_ema.png', 'Generated images over the steps', note)
  return curves.training(folder, 'Classes and distances', shares_chart) + steps


def evaluated(folder: Path, record: EvaluationRecord) -> list:
  """Makes the blocks of an evaluation: images by class, rare classes beside training images.

  Args:
    folder: the folder of the run or replica.
    record: its record.

  Returns:
    The blocks.
  """
  folder, kind, found = Path(folder), record.counted_by or '', []
  if (folder / IMAGES_FILE).exists():
    found.append(_by_label(folder / IMAGES_FILE, record.labels[kind].names, kind))
  measured: dict[str, Any] = {
    name.partition('/')[2]: values
    for name, values in record.results.items()
    if name.startswith('memorisation/')
  }
  if measured.get('classes'):  # Without labels it is None.
    class_names = record.labels['classes'].names
    if sum(measured['shown']):
      found.append(_nearest(folder / NEAREST_FILE, class_names, measured))
    if distances := _distances(class_names, measured):
      found.append(blocks.Images('Distances to the nearest training image', distances))
  return found


def _by_label(path, label_names, kind):
  images, labels = read_samples(path, 4, 'images', 'labels')
  rows = []
  for k in blocks.evenly(range(len(label_names)), CLASSES_SHOWN):
    own, name = images[labels == k], label_names[k]
    tiles = [([blocks.to_image(i, f'generated, {name}')], '') for i in own[:IMAGES_SHOWN]]
    rows.append((name, f'{len(own)} images', tiles))
  note = (
    f'The first {len(images)} generated images, sorted by the {kind} that the '
    f'{"annotator" if kind == "classes" else "recogniser"} predicts, at most {IMAGES_SHOWN} '
    'of each.'
  )
  if len(rows) < len(label_names):
    note += f' Shown are {len(rows)} of the {len(label_names)} {kind}, evenly spaced.'
  return blocks.Tiles(f'Samples by {KINDS[kind]}', rows, note)


def _nearest(path, class_names, measured):
  """Pairs generated images of the rarest classes with their nearest training images."""
  names = 'images', 'labels', 'nearest', 'nearest_labels', 'distances'
  images, labels, nearest, nearest_labels, distances = read_samples(path, 4, *names)
  rows = []
  for place, k in enumerate(measured['classes']):
    own = {name: values[place] for name, values in measured.items()}
    tiles = []
    for i in np.flatnonzero(labels == k):
      real = blocks.to_image(nearest[i], f'training image, {class_names[nearest_labels[i]]}')
      note = tables.number(distances[i])
      if quantiles := own['held_out_quantiles']:
        note += f' ({100 * np.interp(distances[i], quantiles, memorisation.QUANTILES):.0f} %)'
      tiles.append(([blocks.to_image(images[i], f'generated, {class_names[k]}'), real], note))
    copied = '-' if own['copying'] is None else tables.number(own['copying'])
    images_of = f'{own["generated_images"]} generated, {own["held_out_images"]} held-out images'
    rows.append((class_names[k], f'copying {copied} ({images_of})', tiles))
  return blocks.Tiles('Nearest training images', rows, NEAREST_EXPLANATION)


def _distances(class_names, measured):
  """Charts the share of generated and of held-out images within a distance, for each class."""
  charts, shares = [], memorisation.QUANTILES.tolist()
  fields = ('classes', 'generated_quantiles', 'held_out_quantiles')
  for k, generated, real in zip(*(measured[field] for field in fields), strict=True):
    origins = ('generated', generated), ('held-out real', real)
    own = [curves.Line(name, distances, shares) for name, distances in origins if distances]
    title = f'{class_names[k]}: share of images within a distance'
    charts.append(curves.chart(title, own, last=False, x_label='distance', zeros='xy'))
  return [one for one in charts if one]
