"""Pictures of the code: what the categorical code of an InfoGAN means, and its prior.

Grids of generated images, traversals and retrieval as the figures of
"Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020. Arrays in, one PNG out; generated images are drawn pixel by pixel.
"""

import functools

import numpy as np
from scipy.optimize import isotonic_regression

from jaxgan.evaluation.record import CODES_FILE, RETRIEVAL_FILE, read_samples
from jaxgan.metrics.disentanglement import match_codes
from jaxgan.report import curves, figures, grids
from jaxgan.report.figures import DPI
from jaxgan.report.pictures import draw
from jaxgan.system.names import shown
from jaxgan.training import logging, optional

GRID_FILE = 'code_grid.png'  # in the folder of an evaluation
PANEL_TILE = 28  # pixels; smaller images are enlarged in code_grids
TITLE = 64  # characters of a panel's title
PANELS = 4  # panels in a line of code_grids
RETRIEVALS = 2  # panels in a line of retrievals, as in the paper's Fig. 9
LABELLED_BARS = 5  # bars of more classes have no numbers
NUMBERED = 20  # a confusion matrix of more classes has no numbers
_TRAVERSAL = np.linspace(-1.0, 1.0, 9)
_CURVES = ('evaluation/nmi', 'evaluation/ent')
_LABEL = 14  # pixels, height of a label beside a line


def compare(workdir, folders):
  """Draws the code grids and the retrieved images of several methods side by side.

  Args:
    workdir: gets the pictures.
    folders: {method: the folder of its evaluation}.

  Returns:
    Paths of the pictures written.
  """
  pictures = {'code_grids.png': functools.partial(_compare_grids, folders)}
  with optional.output(workdir / 'retrieval.png'):
    panels = _retrieved(folders)
    if len(panels) > 1:
      pictures['retrieval.png'] = functools.partial(retrievals, panels)
  return draw(workdir, pictures)


def _compare_grids(folders, path):
  read = {method: read_samples(f / CODES_FILE, 5, 'images') for method, f in folders.items()}
  code_grids({method: images for method, (images,) in read.items()}, path)


def _retrieved(folders):
  """{method: arguments of its retrieval} of the methods with the queries of the first one.

  Evaluations of older versions have no such file, replicas of other data other queries.
  """
  found = {}
  for method, folder in folders.items():
    if (path := folder / RETRIEVAL_FILE).exists():
      with np.load(path, allow_pickle=False) as saved:
        found[method] = dict(saved)
  queries = next((arrays['queries'] for arrays in found.values()), None)
  return {m: arrays for m, arrays in found.items() if np.array_equal(arrays['queries'], queries)}


def periodic(observer, folder, state, step: int, replica: int, rng) -> None:
  """Draws what a run has while it trains: its code grid, losses, scores and prior.

  Args:
    observer: a `jaxgan.evaluation.codes.Observer`.
    folder: of the run or replica.
    state: of the algorithm.
    step: of the state.
    replica: not used.
    rng: key of the noise, the same at every step.
  """
  del replica
  grid = observer.grid(state, rng)
  with optional.output(samples := folder / 'samples'):
    grids.save_png(samples / f'step_{step:08d}.png', grids.code_grid(grid))
  rows = logging.read_metrics(folder)
  pictures = {
    'loss_curves.png': functools.partial(curves.loss_curves, rows),
    'evaluation_curves.png': functools.partial(evaluation_curves, rows),
    'prior_over_time.png': functools.partial(prior_over_time, rows),
  }
  draw(folder, pictures)


def evaluation_curves(rows, path):
  """Draws the scores of codes over the steps, those that have values; without any, nothing."""
  names = [name for name in _CURVES if any(row.get(name) is not None for row in rows)]
  curves.curves(rows, path, names)


def final(observer, folder, state, record, kept, rng) -> None:
  """Draws what an evaluation found of the codes.

  Args:
    observer: a `jaxgan.evaluation.codes.Observer`.
    folder: of the run or replica.
    state: of the algorithm.
    record: its EvaluationRecord.
    kept: what the observer saved.
    rng: key of the noise.
  """
  names = draw_codes(folder, record, kept['grid'])
  with optional.output(folder / 'traversal_1.png'):
    for i, images in enumerate(observer.traversals(state, rng, _TRAVERSAL), start=1):
      traversal(images, folder / f'traversal_{i}.png', names, _TRAVERSAL, f'continuous code {i}')
  draw(folder, {'retrieval.png': functools.partial(retrievals, {'': kept['retrieved']})})


def draw_codes(folder, record, grid):
  """Draws codes and their classes; returns the names of the codes in pictures."""
  results, labels = record.results, record.labels.get('classes')
  names, truth = [f'code {code}' for code in range(len(grid))], {}
  pictures = {}
  if labels:
    counts, classes = np.array(results['counts']), np.array(results['matched_classes'])
    names = _name_codes(classes, labels.names)
    frequencies = np.array(labels.counts) / sum(labels.counts)
    truth = {'frequencies': frequencies, 'classes': classes, 'class_names': labels.names}
    matched = np.array(results['matched_frequencies'])
    scores = results['nmi'], results['ent']
    pictures = {
      'confusion.png': functools.partial(confusion, counts, labels.names, *scores),
      'prior_against_truth.png': functools.partial(
        prior_against_truth, np.array(results['prior']), matched, names
      ),
    }
  shares = [f'{name}  ({p:.3f})' for name, p in zip(names, results['prior'], strict=True)]
  pictures[GRID_FILE] = functools.partial(named_grid, grid, shares)
  rows = logging.read_metrics(folder)
  pictures['prior_over_time.png'] = functools.partial(prior_over_time, rows, **truth)
  draw(folder, pictures)
  return names


def _name_codes(classes, class_names):
  """['code 0 → cat'] of codes and the class that each is matched with, -1 for none."""
  return [
    f'code {code} → {shown(class_names[k])}' if k >= 0 else f'code {code}'
    for code, k in enumerate(classes)
  ]


def named_grid(images, row_names, path):
  """Draws the images of each code in a row, with its name beside it.

  Args:
    images: uint8 [k, n, H, W, C], see `grids.code_grid`.
    row_names: [k] strings.
    path: the PNG.
  """
  traversal(images, path, row_names, ())


def traversal(images, path, names, values, title=''):
  """Draws what one continuous code changes: its values along the columns.

  Args:
    images: uint8 [rows, steps, H, W, C], a row a categorical code, all else equal in a row.
    path: the PNG.
    names: [rows] strings to stand left of the rows.
    values: [steps], the continuous code in each column; () for none.
    title: stands above.

  Raises:
    ValueError: there is no image, the type or shape is another, or not one name a row or one value
      a column.
  """
  canvas = grids.code_grid(images)
  one_each(names, len(images), 'row')
  columns = [f'{value:.2g}'.replace('-', '−') for value in values]
  if columns:
    one_each(columns, len(images[0]), 'column')
  figure = figures.new_figure(layout=None)
  grids.panel(figure, canvas, title, names, columns)
  figures.save_figure(path, figure)


def code_grids(panels, path):
  """Draws the code grids of several methods side by side, at most 4 in a line.

  Args:
    panels: {title: images uint8 [k, n, H, W, C]}, see `grids.code_grid`.
    path: the PNG.

  Raises:
    ValueError: there is no panel, or one has no image or images of another type or size.
  """
  sizes = {np.shape(images)[2:4] for images in panels.values()}
  if len(sizes) != 1:
    raise ValueError(f'all panels need images of one size, got {sorted(sizes)}')
  figure = figures.new_figure(layout=None)
  for title, images in panels.items():
    grids.panel(figure, grids.code_grid(images, PANEL_TILE), shown(title, TITLE))
  lines = -(-len(panels) // PANELS)
  figures.save_figure(path, figure, -(-len(panels) // lines))


def retrievals(panels, path):
  """Draws what methods retrieve, as the paper's Fig. 9: two methods in a line.

  A row is a query and its nearest neighbours, the nearest first. With labels, neighbours of another
  class than the query have a red frame.

  Args:
    panels: {title: {'queries': uint8 [Q, H, W, C], 'neighbours': uint8 [Q, n, H, W, C]} and, with
      labels, 'query_labels': integers [Q], 'labels': integers [Q, n]}.
    path: the PNG.

  Raises:
    ValueError: a panel has no image, or the type or a shape is another.
  """
  figure = figures.new_figure(layout=None)
  for title, arrays in panels.items():
    _retrieval(figure, shown(title, TITLE), **arrays)
  figures.save_figure(path, figure, RETRIEVALS)


def _retrieval(figure, title, queries, neighbours, query_labels=None, labels=None):
  """Adds the axes of one method."""
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


def prior_over_time(rows, path, frequencies=None, classes=None, class_names=()):
  """Draws the learned prior of each code over the steps; without such rows, nothing.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns; 'prior' is [k].
    path: the PNG.
    frequencies: [K], drawn dashed in the colour of the code that stands for the class.
    classes: [k] integers, what `metrics.disentanglement.match_codes` returns; -1 for a code without
      a class.
    class_names: [K] strings.
  """
  rows = [row for row in rows if 'prior' in row]
  if not rows:
    return
  steps, priors = [row['step'] for row in rows], np.array([r['prior'] for r in rows], np.float64)
  k = priors.shape[1]
  classes = np.full(k, -1) if classes is None else np.asarray(classes)
  true = {} if frequencies is None else {c: frequencies[j] for c, j in enumerate(classes) if j >= 0}
  figure = figures.new_figure(layout=None)
  axes = figure.add_axes((0, 0, 5.6, max(3.4, _LABEL / DPI * k)))
  axes.set_ylim(0, 1.05 * np.nanmax([1 / k, *priors.flat, *true.values()]))
  axes.set_xlim(steps[0] if len(steps) > 1 else steps[0] - 1, steps[-1])
  for code, frequency in true.items():
    axes.axhline(frequency, color=f'C{code % 10}', linestyle='--', linewidth=1.0)
  for code, own in enumerate(priors.T):
    curves.plot(axes, steps, own, color=f'C{code % 10}', linewidth=1.6, clip_on=False)
  _label_ends(axes, priors[-1], _name_codes(classes, class_names))
  uniform = axes.axhline(1 / k, color='black', linestyle=':', linewidth=1.4)
  entries = [('uniform', uniform), ('learned prior', *axes.plot([], [], color='0.4', lw=1.6))]
  if true:
    dashed = axes.plot([], [], color='0.4', linestyle='--', linewidth=1.0)
    entries.append(('true frequency', *dashed))
  figures.legend(axes, entries, loc='lower left', bbox_to_anchor=(0, 1), ncols=3, fontsize=10)
  axes.set_xlabel('step')
  axes.set_ylabel('probability of the code')
  figures.plain_axes(axes)
  figures.save_figure(path, figure)


def _label_ends(axes, values, names):
  """Writes names behind the last values of lines, apart from each other, with a line to each."""
  width, height = axes.bbox.size
  ends = np.nan_to_num(values) / axes.get_ylim()[1]
  leader = 15 + len(names)  # pixels from the end of a line to its label
  x = 1 + np.array([4, leader, leader + 4]) / width
  for code, y in enumerate(_spread(ends, _LABEL / height)):
    if np.isnan(values[code]):
      continue
    outside = {'transform': axes.transAxes, 'color': f'C{code % 10}', 'clip_on': False}
    axes.plot(x[:2], [ends[code], y], linewidth=0.7, **outside)
    axes.text(x[2], y, names[code], va='center', fontsize=9, **outside)


def _spread(positions, distance):
  """The nearest positions in [0, 1] that are at least a distance apart, in the same order."""
  order = np.argsort(positions, kind='stable')
  steps = distance * np.arange(len(positions))
  shifts = isotonic_regression(positions[order] - steps).x
  out = np.empty(len(positions))
  out[order] = np.clip(shifts, 0, max(0, 1 - steps[-1])) + steps
  return out


def prior_against_truth(prior, matched_frequencies, names, path):
  """Draws the learned prior beside the true frequencies, from the frequent class to the rare one.

  The title gives their total variation distance, 1/2 Σ|p - f|. Where the frequencies do not sum to
  1, the rest are classes without a code, whose learned prior is 0.

  Args:
    prior: [k].
    matched_frequencies: [k], the true frequency of the class that each code stands for.
    names: [k] strings, what each code is.
    path: the PNG.
  """
  one_each(names, len(prior), 'code')
  order = np.argsort(-matched_frequencies, kind='stable')
  width = max(5.7, (0.7 if len(names) <= NUMBERED else 0.3) * len(names))  # inches
  figure = figures.new_figure(layout=None)
  axes = figure.add_axes((0, 0, width, 3.2))
  positions = np.arange(len(names))
  bars = (
    axes.bar(positions - 0.2, matched_frequencies[order], 0.38, color='0.72'),
    axes.bar(positions + 0.2, prior[order], 0.38, color='C0'),
  )
  for bar in bars if len(names) <= LABELLED_BARS else ():
    axes.bar_label(bar, fmt='%.3f', fontsize=9)
  figures.plain_axes(axes)
  axes.set_xlim(-0.6, len(names) - 0.4)
  axes.set_ylabel('probability')
  without = max(0.0, 1.0 - matched_frequencies.sum())
  distance = (np.abs(prior - matched_frequencies).sum() + without) / 2
  axes.set_title(f'total variation distance {distance:.3f}', fontsize=11, loc='left')
  entries = zip(('true frequency', 'learned prior'), bars, strict=True)
  figures.legend(axes, list(entries), loc='lower right', bbox_to_anchor=(1.0, 0.98), ncols=2)
  figures.name_columns(axes, [names[code] for code in order], width / len(names))
  axes.grid(axis='x', visible=False)
  figures.save_figure(path, figure)


def confusion(counts, class_names, nmi, ent, path):
  """Draws what each code makes: the share of each class in a code's images.

  The rows are in the order of the classes that the codes are matched with, which puts those cells
  on the diagonal; codes without a class follow. A code without images is a grey row.

  Args:
    counts: [k, K], codes by classes.
    class_names: [K] strings.
    nmi: number for the title.
    ent: number for the title, or None where it is undefined.
    path: the PNG.

  Raises:
    ValueError: `counts` is no count matrix, or not one name a class.
  """
  classes, (k, num_classes) = match_codes(counts), np.shape(counts)
  one_each(class_names, num_classes, 'class')
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
  scores = {'NMI': nmi, 'ENT': ent}
  title = '    '.join(f'{name} {value:.3f}' for name, value in scores.items() if value is not None)
  axes.set_title(title, fontsize=11)
  beside = figure.add_axes((cell * num_classes + 0.12, 0, 0.18, cell * k))
  bar = figure.colorbar(image, cax=beside, label="share of the code's images")
  bar.outline.set_visible(False)
  figures.save_figure(path, figure)


def one_each(names, number, what):
  """Raises ValueError unless there is one name or value for each."""
  if len(names) != number:
    raise ValueError(f'one name or value a {what} is needed: {number}, got {len(names)}')
