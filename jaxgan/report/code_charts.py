"""Charts of the code: its learned prior, and the classes that each code makes."""

import numpy as np
from scipy.optimize import isotonic_regression

from jaxgan.drawing import curves
from jaxgan.drawing.figures import DPI, legend, new_figure, plain_axes, save_figure
from jaxgan.drawing.page import text_width
from jaxgan.metrics.disentanglement import match_codes
from jaxgan.system.names import shown

SMALL = 13  # pixels, the 9 points of a figure
LABELLED_BARS = 5  # bars of more classes have no numbers
NUMBERED = 20  # a confusion matrix of more classes has no numbers


def prior_over_time(rows, path, true_frequencies=None, class_of_code=None, class_names=None):
  """Draws the learned prior of each code over the steps; without such rows, nothing.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns; 'prior' is [k].
    path: the PNG.
    true_frequencies: [K], drawn dashed in the colour of the code that stands for the class.
    class_of_code: [k] integers, what `metrics.disentanglement.match_codes` returns; -1 for a code
      without a class. Needed with true_frequencies.
    class_names: [K] strings; by default the class numbers.

  Raises:
    ValueError: 'prior' is not [k], or a class is missing.
  """
  rows = [row for row in rows if 'prior' in row]
  if not rows:
    return
  steps = [row['step'] for row in rows]
  priors = np.array([row['prior'] for row in rows], np.float64)
  if priors.ndim != 2:
    raise ValueError(f"'prior' must be [k] in each row, got {list(priors.shape[1:])}")
  k = priors.shape[1]
  if true_frequencies is not None and class_of_code is None:
    raise ValueError('true_frequencies need class_of_code, the class that each code stands for')
  classes = np.full(k, -1) if class_of_code is None else np.asarray(class_of_code)
  one_each(classes, k, 'code')
  for given in (true_frequencies, class_names):
    if given is not None and max(classes) >= len(given):
      raise ValueError(f'code of class {max(classes)}, but there are {len(given)} classes')
  names = [f'code {code}' for code in range(k)]
  for code in np.flatnonzero(classes >= 0):
    name = classes[code] if class_names is None else class_names[classes[code]]
    names[code] += f' → {shown(str(name))}'

  # In pixels, so that the labels can be kept apart.
  label_height = 14
  left, bottom, top, width, height = 70, 50, 36, 560, max(340, label_height * k)
  leader = 15 + k  # pixels from the end of a line to its label
  right = leader + 20 + max(text_width(name, SMALL) for name in names)
  size = np.array([left + width + right, bottom + height + top])
  figure = new_figure(*(size / DPI), layout=None)
  axes = figure.add_axes(np.array([left, bottom, width, height]) / np.tile(size, 2))
  highest = np.nanmax(
    [1 / k, *priors.flat, *([] if true_frequencies is None else true_frequencies)]
  )
  axes.set_ylim(0, 1.05 * highest)
  axes.set_xlim(steps[0] if len(steps) > 1 else steps[0] - 1, steps[-1])
  ends = np.nan_to_num(priors[-1]) / (1.05 * highest)
  label_ends = _spread(ends, label_height / height)
  for code in range(k):
    color = f'C{code % 10}'
    if true_frequencies is not None and classes[code] >= 0:
      axes.axhline(true_frequencies[classes[code]], color=color, linestyle='--', linewidth=1.0)
    marker = '.' if len(steps) < 30 else None
    axes.plot(steps, priors[:, code], color=color, linewidth=1.6, marker=marker, clip_on=False)
    if np.isfinite(priors[-1, code]):
      outside = {'transform': axes.transAxes, 'color': color, 'clip_on': False}
      x, y = 1 + np.array([4, leader, leader + 4]) / width, label_ends[code]
      axes.plot(x[:2], [ends[code], y], linewidth=0.7, **outside)
      axes.text(x[2], y, names[code], va='center', fontsize=9, **outside)
  uniform = axes.axhline(1 / k, color='black', linestyle=':', linewidth=1.4)
  entries = [('uniform', uniform), ('learned prior', *axes.plot([], [], color='0.4', lw=1.6))]
  if true_frequencies is not None:
    dashed = axes.plot([], [], color='0.4', linestyle='--', linewidth=1.0)
    entries.append(('true frequency', *dashed))
  legend(
    axes, entries, loc='lower left', bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=10
  )
  axes.set_xlabel('step')
  axes.set_ylabel('probability of the code')
  plain_axes(axes)
  save_figure(path, figure)


def prior_against_truth(prior, matched_frequencies, names, path):
  """Draws the learned prior beside the true frequencies, from the frequent class to the rare one.

  The title gives their total variation distance, 1/2 Σ|p - f|. Where the frequencies do not sum to
  1, the rest are classes without a code, whose learned prior is 0.

  Args:
    prior: [k].
    matched_frequencies: [k], the true frequency of the class that each code stands for.
    names: [k] strings, what each code is.
    path: the PNG.

  Raises:
    ValueError: the three have not one length.
  """
  prior, frequencies = np.asarray(prior, np.float64), np.asarray(matched_frequencies, np.float64)
  if not prior.shape == frequencies.shape == (len(names),) or len(names) == 0:
    raise ValueError(
      f'prior, frequencies and names must be [k], got {list(prior.shape)}, '
      f'{list(frequencies.shape)} and {len(names)} names'
    )
  order = np.argsort(-frequencies, kind='stable')
  width = max(5.7, (0.7 if len(names) <= NUMBERED else 0.3) * len(names))  # inches
  style, names_height = _column_names(names, width / len(names))
  figure = new_figure(width + 0.8, 3.6 + names_height)
  axes = figure.add_subplot()
  positions = np.arange(len(names))
  bars = (
    axes.bar(positions - 0.2, frequencies[order], 0.38, color='0.72'),
    axes.bar(positions + 0.2, prior[order], 0.38, color='C0'),
  )
  for bar in bars if len(names) <= LABELLED_BARS else ():
    axes.bar_label(bar, fmt='%.3f', fontsize=9)
  plain_axes(axes)
  axes.set_xlim(-0.6, len(names) - 0.4)
  axes.set_ylabel('probability')
  distance = (np.abs(prior - frequencies).sum() + max(0.0, 1.0 - frequencies.sum())) / 2
  axes.set_title(f'total variation distance {distance:.3f}', fontsize=11, loc='left')
  entries = zip(('true frequency', 'learned prior'), bars, strict=True)
  place = {'loc': 'lower right', 'bbox_to_anchor': (1.0, 0.98), 'ncols': 2}
  legend(axes, list(entries), **place, frameon=False)
  axes.set_xticks(positions, [names[code] for code in order], fontsize=9, **style)
  axes.grid(axis='x', visible=False)
  save_figure(path, figure)


def confusion(counts, class_names, path, nmi=None, ent=None):
  """Draws what each code makes: the share of each class in a code's images.

  The rows are in the order of the classes that the codes are matched with, which puts those cells
  on the diagonal; codes without a class follow. A code without images is a grey row.

  Args:
    counts: [k, K], codes by classes.
    class_names: [K] strings.
    path: the PNG.
    nmi: number for the title.
    ent: number for the title.

  Raises:
    ValueError: `counts` is no count matrix, or not one name a class.
  """
  classes, (k, num_classes) = match_codes(counts), np.shape(counts)
  one_each(class_names, num_classes, 'class')
  class_names = list(map(shown, class_names))
  codes = np.argsort(np.where(classes < 0, num_classes, classes), kind='stable')
  counts = np.asarray(counts, np.float64)[codes]
  totals = counts.sum(axis=1, keepdims=True)
  shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
  # In inches, so that the cells are square and the bar is as high as they are.
  largest = max(k, num_classes)
  cell = max(3.0 / largest, 0.45) if largest <= NUMBERED else 0.22
  width, height = cell * num_classes, cell * k
  style, names_height = _column_names(class_names, cell)
  left, bottom = 0.75 + ('ha' in style) * names_height, 0.45 + names_height
  size = np.array([left + width + 1.0, bottom + height + 0.4])
  figure = new_figure(*size, layout=None)
  axes = figure.add_axes(np.array([left, bottom, width, height]) / np.tile(size, 2))
  beside = figure.add_axes(np.array([left + width + 0.12, bottom, 0.18, height]) / np.tile(size, 2))
  image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1, interpolation='nearest')
  if largest <= NUMBERED:
    for row, column in np.argwhere(shares >= 0.005):
      share = shares[row, column]
      color = 'white' if share > 0.55 else 'black'
      axes.text(column, row, f'{share:.2f}', ha='center', va='center', fontsize=8, color=color)
  axes.set_facecolor('0.9')
  axes.set_xticks(range(num_classes), class_names, fontsize=9, **style)
  axes.set_yticks(range(k), [f'code {code}' for code in codes], fontsize=9)
  axes.set_xlabel('class')
  axes.tick_params(length=0)
  bar = figure.colorbar(image, cax=beside, label="share of the code's images")
  bar.outline.set_visible(False)
  scores = {'NMI': nmi, 'ENT': ent}
  title = '    '.join(f'{name} {value:.3f}' for name, value in scores.items() if value is not None)
  axes.set_title(title, fontsize=11)
  save_figure(path, figure)


def evaluation_curves(rows, path, keys):
  """Draws those of the keys that have values over the steps, one panel each; without any, nothing.

  Args:
    rows: from `logging.read_metrics`; 'std/<key>' becomes a band around the key.
    path: the PNG.
    keys: names of scalars, such as 'evaluation/nmi'.
  """
  keys = [key for key in keys if any(row.get(key) is not None for row in rows)]
  if keys:
    curves.curves(rows, path, keys)


def _column_names(names, slot):
  """How to set names below columns that are slot inches wide: level, slanted or upright.

  Returns:
    (keywords of a tick label, the height of the longest name in inches).
  """
  widest = max(text_width(name, SMALL) for name in names) / DPI
  if widest < 0.9 * slot:
    return {}, SMALL / DPI
  if slot > 0.4:
    return {'rotation': 35, 'ha': 'right', 'rotation_mode': 'anchor'}, 0.6 * widest + SMALL / DPI
  return {'rotation': 90}, widest


def _spread(positions, distance):
  """The nearest positions in [0, 1] that are at least a distance apart, in the same order."""
  order = np.argsort(positions, kind='stable')
  steps = distance * np.arange(len(positions))
  shifts = isotonic_regression(positions[order] - steps).x
  out = np.empty(len(positions))
  out[order] = np.clip(shifts, 0, max(0, 1 - steps[-1])) + steps
  return out


def one_each(names, number, what):
  """Raises ValueError unless there is one name or value for each."""
  if len(names) != number:
    raise ValueError(f'one name or value a {what} is needed: {number}, got {len(names)}')
