"""Pictures of categorical codes and their prior.

Grids of generated images, traversals and retrieval, as in the figures of "Elastic-InfoGAN:
Unsupervised Disentangled Representation Learning in Class-Imbalanced Data", Ojha et al. 2020. Each
function draws arrays into one PNG; generated images are drawn pixel by pixel.
"""

from collections.abc import Mapping, Sequence
import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgan.evaluation.record import CODES_FILE, RETRIEVAL_FILE, EvaluationRecord, read_samples
from jaxgan.metrics.disentanglement import match_codes
from jaxgan.report import blocks, curves, figures, grids
from jaxgan.system.names import shown
from jaxgan.training import logging, optional

GRID_FILE = 'code_grid.png'  # in the folder of an evaluation
PICTURES = {
  GRID_FILE: 'Codes: each row has one code, each column one noise vector',
  'prior_against_truth.png': 'Learned prior and true frequencies',
  'prior_over_time.png': 'Learned prior over the steps, each code with its matched class',
  'confusion.png': 'Classes of the images of each code',
  'retrieval.png': "Real images and their nearest neighbours in Q's features",
}
PANEL_TILE = 28  # pixels; smaller images are enlarged in code_grids
PANELS = 4  # panels in a line of code_grids
RETRIEVALS = 2  # panels in a line of retrievals, as in the paper's Fig. 9
LABELLED_BARS = 5  # with more classes, bars have no numbers
NUMBERED = 20  # with more classes, a confusion matrix has no numbers
_TRAVERSAL = np.linspace(-1.0, 1.0, 9)
_CURVES = ('evaluation/nmi', 'evaluation/ent')


def compare(workdir: Path, folders: Mapping[str, Path]) -> list[Path]:
  """Draws the code grids and the retrieved images of several methods side by side.

  Args:
    workdir: the folder for the pictures.
    folders: {method: the folder of its evaluation}.

  Returns:
    Paths of the pictures.
  """
  return figures.draw(
    workdir,
    {
      'code_grids.png': functools.partial(_compare_grids, folders),
      'retrieval.png': functools.partial(_compare_retrieved, folders),
    },
  )


def _compare_grids(folders, path):
  read = {method: read_samples(f / CODES_FILE, 5, 'images') for method, f in folders.items()}
  code_grids({method: images for method, (images,) in read.items()}, path)


def _compare_retrieved(folders, path):
  """Draws the retrieved images of two or more methods with the same queries.

  Evaluations of older versions have no such file; replicas of other data have other queries.
  """
  found = {}
  for method, folder in folders.items():
    if (folder / RETRIEVAL_FILE).exists():
      with np.load(folder / RETRIEVAL_FILE, allow_pickle=False) as saved:
        found[method] = dict(saved)
  first = next(iter(found.values()), {})
  panels = {m: own for m, own in found.items() if np.array_equal(own['queries'], first['queries'])}
  if len(panels) > 1:
    retrievals(panels, path)


def observe(observer: Any, state: Any, replica: int, rng: jax.Array) -> np.ndarray:
  """Draws the code grid of a state for `periodic`.

  Args:
    observer: a `jaxgan.evaluation.codes.Observer`.
    state: the state.
    replica: not used.
    rng: key of the noise, the same at every step.

  Returns:
    The grid.
  """
  return observer.grid(state, rng)


def periodic(folder: Path, step: int, grid: np.ndarray) -> None:
  """Draws a run during training: its code grid, losses, scores and prior.

  Args:
    folder: the folder of the run or replica.
    step: the step of the state.
    grid: the result of `observe`.
  """
  samples = folder / 'samples'
  with optional.output(str(samples)):
    grids.save_png(samples / f'step_{step:08d}.png', grids.code_grid(grid))
  rows = logging.read_metrics(folder)
  figures.draw(
    folder,
    {
      'loss_curves.png': functools.partial(curves.loss_curves, rows),
      'evaluation_curves.png': functools.partial(evaluation_curves, rows),
      'prior_over_time.png': functools.partial(prior_over_time, rows),
    },
  )


def evaluation_curves(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
  """Draws NMI and ENT over the steps; draws nothing without values."""
  names = [name for name in _CURVES if any(row.get(name) is not None for row in rows)]
  curves.curves(rows, path, names)


def final(
  observer: Any, folder: Path, state: Any, record: EvaluationRecord, kept: Any, rng: jax.Array
) -> None:
  """Draws the codes, priors and retrieved images of an evaluation.

  Args:
    observer: a `jaxgan.evaluation.codes.Observer`.
    folder: the folder of the run or replica.
    state: the state.
    record: its record.
    kept: the result of the observer's `save`.
    rng: key of the noise.
  """
  results: dict[str, Any] = record.results
  grid, labels = kept['grid'], record.labels.get('classes')
  names, truth = [f'code {code}' for code in range(len(grid))], {}
  pictures = {'retrieval.png': functools.partial(retrievals, {'': kept['retrieved']})}
  if labels:
    counts, classes = np.array(results['counts']), np.array(results['matched_classes'])
    names = _name_codes(classes, labels.names)
    frequencies = np.array(labels.counts) / sum(labels.counts)
    truth = {'frequencies': frequencies, 'classes': classes, 'class_names': labels.names}
    matched = np.array(results['matched_frequencies'])
    pictures |= {
      'confusion.png': functools.partial(
        confusion, counts, labels.names, results['nmi'], results['ent']
      ),
      'prior_against_truth.png': functools.partial(
        prior_against_truth, np.array(results['prior']), matched, names
      ),
    }
  shares = [f'{name}  ({p:.3f})' for name, p in zip(names, results['prior'], strict=True)]
  pictures[GRID_FILE] = functools.partial(traversal, grid, shares)
  prior = functools.partial(prior_over_time, logging.read_metrics(folder), **truth)
  figures.draw(folder, pictures | {'prior_over_time.png': prior})
  with optional.output(str(folder / 'traversal_1.png')):
    for i, images in enumerate(observer.traversals(state, rng, _TRAVERSAL), start=1):
      traversal(images, names, folder / f'traversal_{i}.png', _TRAVERSAL, f'continuous code {i}')


def _name_codes(classes, class_names):
  """Names codes with their matched classes, as 'code 0 → cat'; -1 is no class."""
  return [
    f'code {code} → {shown(class_names[k])}' if k >= 0 else f'code {code}'
    for code, k in enumerate(classes)
  ]


def traversal(
  images: np.ndarray,
  names: Sequence[str],
  path: Path,
  values: Sequence[float] | np.ndarray = (),
  title: str = '',
) -> None:
  """Draws a row of images for each code, along which a continuous code may change.

  Args:
    images: uint8 `[rows, steps, H, W, C]`, see `grids.code_grid`.
    names: `[rows]` names, drawn left of the rows.
    path: the PNG.
    values: `[steps]`, the continuous code in each column; () for none.
    title: title above the picture.

  Raises:
    ValueError: there is no image, or the images have a wrong type or shape.
  """
  columns = [f'{value:.2g}'.replace('-', '−') for value in values]
  figure = figures.new_figure(layout=None)
  grids.panel(figure, grids.code_grid(images), title, names, columns)
  figures.save_figure(path, figure)


def code_grids(panels: Mapping[str, np.ndarray], path: Path) -> None:
  """Draws the code grids of several methods side by side, at most 4 in a line.

  Args:
    panels: {title: images uint8 `[k, n, H, W, C]`}, see `grids.code_grid`.
    path: the PNG.

  Raises:
    ValueError: a panel has no image, or its images have a wrong type or shape.
  """
  figure = figures.new_figure(layout=None)
  for title, images in panels.items():
    grids.panel(figure, grids.code_grid(images, PANEL_TILE), shown(title, figures.LONGEST))
  lines = -(-len(panels) // PANELS)
  figures.save_figure(path, figure, -(-len(panels) // lines))


def retrievals(panels: Mapping[str, Mapping[str, np.ndarray]], path: Path) -> None:
  """Draws the retrieved images of methods, as the paper's Fig. 9: two methods in a line.

  A row has a query and its nearest neighbours, the nearest first. With labels, a neighbour of
  another class than the query has a red frame.

  Args:
    panels: {title: arrays}, with 'queries' uint8 `[Q, H, W, C]`, 'neighbours' uint8
      `[Q, n, H, W, C]` and, with labels, 'query_labels' int `[Q]` and 'labels' int `[Q, n]`.
    path: the PNG.

  Raises:
    ValueError: a panel has no image, or its images have a wrong type or shape.
  """
  figure = figures.new_figure(layout=None)
  for title, arrays in panels.items():
    _retrieval(figure, shown(title, figures.LONGEST), **arrays)
  figures.save_figure(path, figure, RETRIEVALS)


def _retrieval(figure, title, queries, neighbours, query_labels=None, labels=None):
  """Draws the queries and neighbours of a method."""
  wrong = np.zeros(neighbours.shape[:2], bool)
  if query_labels is not None:
    wrong = labels != np.reshape(query_labels, (-1, 1))
  first = grids.code_grid(queries[:, None], framed=wrong[:, :1] & False)
  others = grids.code_grid(neighbours, framed=wrong)
  height, left = first.shape[0], first.shape[1] + 2 * figures.MARGIN
  between = np.full((height, left - first.shape[1], 3), 255, np.uint8)
  axes = grids.panel(figure, np.hstack([first, between, others]))
  axes.set_title(title, fontsize=12, pad=24)
  axes.text(grids.FRAME, -4, 'query', fontsize=9)
  axes.text(left + grids.FRAME, -4, 'nearest neighbours, from near to far', fontsize=9)
  if query_labels is not None:
    note = {'color': np.divide(grids.RED, 255), 'fontsize': 9, 'va': 'top'}
    axes.text(left + grids.FRAME, height + 4, 'red frame: another class', **note)


def prior_over_time(
  rows: Sequence[Mapping[str, Any]],
  path: Path,
  frequencies: np.ndarray | None = None,
  classes: np.ndarray | None = None,
  class_names: Sequence[str] = (),
) -> None:
  """Draws the learned prior of each code over the steps; draws nothing without a prior in the rows.

  Args:
    rows: the result of `jaxgan.training.logging.read_metrics`; 'prior' is `[k]`.
    path: the PNG.
    frequencies: `[K]`, drawn dashed in the colour of the code that is matched with the class.
    classes: int `[k]`, the result of `metrics.disentanglement.match_codes`; -1 for a code without a
      class.
    class_names: `[K]` strings.
  """
  lines, options = _prior_lines(rows, classes, class_names)
  true = {}
  if frequencies is not None and classes is not None:
    true = {code: float(frequencies[k]) for code, k in enumerate(classes) if k >= 0}
  title = 'learned prior' + (' (dashed: true frequencies)' if true else '')
  curves.save_chart(path, title, lines, true, **options)


def _prior_lines(rows, classes=None, class_names=()):
  """Returns a line for the prior of each code, and options for `curves.draw`."""
  rows = [row for row in rows if 'prior' in row]
  if not rows:
    return [], {}
  k = len(rows[0]['prior'])
  names = _name_codes([-1] * k if classes is None else classes, class_names)
  lines = curves.columns(rows, names, [row['prior'] for row in rows])
  return lines, {'level': ('uniform', 1 / k), 'zeros': 'y', 'ordered': False}


def prior_against_truth(
  prior: np.ndarray, matched_frequencies: np.ndarray, names: Sequence[str], path: Path
) -> None:
  """Draws the learned prior beside the true frequencies, from frequent to rare classes.

  The title gives their total variation distance, 1/2 Σ|p - f|. If the frequencies sum to less than
  1, the remainder belongs to classes without a code, whose learned prior is 0.

  Args:
    prior: `[k]`.
    matched_frequencies: `[k]`, the true frequency of the class that each code is matched with.
    names: `[k]` names of the codes.
    path: the PNG.
  """
  order = np.argsort(-matched_frequencies, kind='stable')
  values = {'true frequency': matched_frequencies[order], 'learned prior': prior[order]}
  slot = 0.7 if len(names) <= NUMBERED else 0.3  # inches
  labels = [names[int(code)] for code in order]
  figure, axes, entries = figures.bars(values, labels, 'probability', ['0.72', 'C0'], slot)
  for _, bar in entries if len(names) <= LABELLED_BARS else ():
    axes.bar_label(bar, fmt='%.3f', fontsize=9)
  without = max(0.0, 1.0 - matched_frequencies.sum())
  distance = (np.abs(prior - matched_frequencies).sum() + without) / 2
  axes.set_title(f'total variation distance {distance:.3f}', fontsize=11, loc='left')
  figures.legend(axes, entries, loc='lower right', bbox_to_anchor=(1.0, 0.98), ncols=2)
  figures.save_figure(path, figure)


def confusion(
  counts: np.ndarray, class_names: Sequence[str], nmi: float, ent: float | None, path: Path
) -> None:
  """Draws the share of each class in the images of each code.

  Codes are ordered by their matched classes, so that matches are on the diagonal; codes without a
  class follow. A code without images has a grey row.

  Args:
    counts: `[k, K]`, images of each code by class.
    class_names: `[K]` strings.
    nmi: number for the title.
    ent: number for the title, or None if undefined.
    path: the PNG.

  Raises:
    ValueError: `counts` is not a matrix of counts.
  """
  classes, (k, num_classes) = match_codes(counts), np.shape(counts)
  codes = np.argsort(np.where(classes < 0, num_classes, classes), kind='stable')
  counts = np.asarray(counts, np.float64)[codes]
  totals = counts.sum(axis=1, keepdims=True)
  shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
  largest = max(k, num_classes)
  cell = max(3.0 / largest, 0.45) if largest <= NUMBERED else 0.22  # inches
  figure = figures.new_figure(layout=None)
  axes = figure.add_axes((0, 0, cell * num_classes, cell * k))
  image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1, interpolation='nearest')
  for row, column in np.argwhere(shares >= 0.005) if largest <= NUMBERED else ():
    share = shares[row, column]
    color = 'white' if share > 0.55 else 'black'
    axes.text(column, row, f'{share:.2f}', ha='center', va='center', fontsize=8, color=color)
  axes.set_facecolor('0.9')
  figures.name_columns(axes, list(map(shown, class_names)), cell)
  axes.set_yticks(range(k), [f'code {code}' for code in codes], fontsize=9)
  axes.set_xlabel('class')
  axes.tick_params(length=0)
  axes.set_title(f'NMI {nmi:.3f}' + ('' if ent is None else f'    ENT {ent:.3f}'), fontsize=11)
  beside = figure.add_axes((cell * num_classes + 0.12, 0, 0.18, cell * k))
  bar = figure.colorbar(image, cax=beside, label="share of the code's images")
  bar.outline.set_visible(False)
  figures.save_figure(path, figure)


def trained(folder: Path, class_names: Sequence[str], train_counts: Sequence[int]) -> list:
  """Makes the blocks of a run in training: losses, scores, prior, code grids.

  Args:
    folder: the folder of the run or replica.
    class_names: not used: codes are not classes.
    train_counts: not used.

  Returns:
    The blocks.
  """
  note = 'Each row has one code, each column one noise vector, the same at every step.'
  steps = blocks.steps(folder, 'step_*.png', 'Codes over the steps', note)
  return curves.training(folder, 'Codes and their prior', _prior_chart) + steps


def _prior_chart(rows):
  lines, options = _prior_lines(rows)
  return curves.chart('probability of each code', lines, **options)


def evaluated(folder: Path, record: EvaluationRecord) -> list[blocks.Images]:
  """Reads the pictures of an evaluation as blocks.

  Args:
    folder: the folder of the run or replica.
    record: not used.

  Returns:
    The blocks.
  """
  traversals = sorted(path.name for path in Path(folder).glob('traversal_*.png'))
  titles = {name: f'Continuous code {i}' for i, name in enumerate(traversals, start=1)}
  return blocks.pictures(folder, PICTURES | titles)
