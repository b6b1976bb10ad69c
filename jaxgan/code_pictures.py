"""Pictures of the code: what the categorical code of an InfoGAN means, and its learned prior.

Grids of generated images, traversals, retrieval, confusion and priors as the figures of
"Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020. Arrays in, one PNG out; generated images are drawn pixel by pixel.
"""

import numpy as np
from PIL import Image
from scipy.optimize import isotonic_regression

from jaxgan.drawing import curves, grids
from jaxgan.drawing.figures import DPI, new_figure, plain_axes, save_figure
from jaxgan.drawing.grids import GAP, MIN_TILE
from jaxgan.drawing.page import MARGIN, new_page, text_width, write
from jaxgan.metrics.disentanglement import match_codes

SMALL, LARGE = 13, 16  # pixels, sizes of text; SMALL is the 9 points of a figure
PANEL_TILE = 28  # pixels; smaller images are enlarged in code_grids
PANELS = 4  # panels in a line of code_grids
FRAME = 3  # pixels of the frame in retrieval
RED = (214, 39, 40)
NUMBERED = 20  # a confusion matrix of more classes has no numbers


def code_grid(images, row_names=None):
  """The images of each code in a row, on white, enlarged to tiles of at least 48 pixels.

  Args:
    images: uint8 [k, n, H, W, C], C = 1 or 3: a row a code, the same noise in each column.
    row_names: [k] strings to stand left of the rows.

  Returns:
    uint8 [H', W', 3].

  Raises:
    ValueError: there is no image, the type or shape is another, or not one name a row.
  """
  canvas = _grid(images, MIN_TILE)
  if row_names is None:
    return canvas
  _one_each(row_names, len(images), 'row')
  left = MARGIN + max(text_width(name, SMALL) for name in row_names)
  page = new_page(left + canvas.shape[1], canvas.shape[0])
  page.paste(Image.fromarray(canvas), (left, 0))
  _name_rows(page, row_names, left, 0, canvas.shape[0])
  return np.asarray(page)


def code_grids(panels, path):
  """Draws the code grids of several methods side by side, at most 4 in a line.

  Args:
    panels: {title: images uint8 [k, n, H, W, C]}, as for `code_grid`.
    path: the PNG.

  Raises:
    ValueError: there is no panel, or one has no image or images of another type or size.
  """
  if not panels:
    raise ValueError('code_grids needs at least one panel')
  sizes = {np.shape(images)[2:4] for images in panels.values()}
  if len(sizes) != 1:
    raise ValueError(f'all panels need images of one size, got {sorted(sizes)}')
  canvases = [_grid(images, PANEL_TILE) for images in panels.values()]
  lines = -(-len(panels) // PANELS)
  columns = -(-len(panels) // lines)
  width = max(text_width(title, LARGE) for title in panels)
  width = max(width, *(canvas.shape[1] for canvas in canvases)) + 2 * MARGIN
  height = max(canvas.shape[0] for canvas in canvases) + LARGE + 2 * MARGIN
  page = new_page(columns * width, lines * height + MARGIN)
  for index, (title, canvas) in enumerate(zip(panels, canvases, strict=True)):
    left, top = index % columns * width, MARGIN + index // columns * height
    write(page, title, (left + width // 2, top), LARGE, 'ma')
    left += (width - canvas.shape[1]) // 2
    page.paste(Image.fromarray(canvas), (left, top + LARGE + MARGIN // 2))
  grids.save_png(path, page)


def traversal(images, path, names=None, values=None, title=''):
  """Draws what one continuous code changes: its values along the columns.

  Args:
    images: uint8 [rows, steps, H, W, C], a row a categorical code, all else equal in a row.
    path: the PNG.
    names: [rows] strings to stand left of the rows.
    values: [steps], the continuous code in each column; by default evenly from -1 to 1.
    title: stands above.

  Raises:
    ValueError: there is no image, the type or shape is another, or not one name a row or one value
      a column.
  """
  canvas = _grid(images, MIN_TILE)
  height, width = canvas.shape[:2]
  rows, steps = np.shape(images)[:2]
  names = [''] * rows if names is None else names
  values = np.linspace(-1, 1, steps) if values is None else values
  _one_each(names, rows, 'row')
  _one_each(values, steps, 'column')
  left = MARGIN + max(text_width(name, SMALL) for name in names)
  top = MARGIN + (LARGE + MARGIN // 2 if title else 0)
  page = new_page(
    max(left + width, text_width(title, LARGE) + MARGIN) + MARGIN, top + height + SMALL + 2 * MARGIN
  )
  write(page, title, (MARGIN, MARGIN - 2), LARGE)
  page.paste(Image.fromarray(canvas), (left, top))
  _name_rows(page, names, left, top, height)
  for column, value in enumerate(values):
    text = f'{value:.2g}'.replace('-', '−')
    center = left + (column + 0.5) * (width + GAP) / steps
    write(page, text, (center, top + height + MARGIN // 2), SMALL, 'ma')
  grids.save_png(path, page)


def retrieval(queries, neighbours, path, query_labels=None, neighbour_labels=None):
  """Draws images and their nearest neighbours, one query a row, the nearest first.

  With labels, neighbours of another class than the query have a red frame.

  Args:
    queries: uint8 [Q, H, W, C].
    neighbours: uint8 [Q, n, H, W, C], from near to far.
    path: the PNG.
    query_labels: [Q] integers.
    neighbour_labels: [Q, n] integers.

  Raises:
    ValueError: there is no image, the type or a shape is another, or only one of the labels is
      given.
  """
  neighbours, queries = np.asarray(neighbours), np.asarray(queries)
  together = queries.ndim == 4 and neighbours.ndim == 5
  if not together or neighbours[:, :1].shape != queries[:, None].shape:
    raise ValueError(
      'queries must be [Q, H, W, C] and neighbours [Q, n, H, W, C], '
      f'got {list(queries.shape)} and {list(neighbours.shape)}'
    )
  wrong = np.zeros(neighbours.shape[:2], bool)
  if (query_labels is None) != (neighbour_labels is None):
    raise ValueError('give the labels of queries and of neighbours, or none')
  if query_labels is not None:
    if np.shape(query_labels) != wrong.shape[:1] or np.shape(neighbour_labels) != wrong.shape:
      raise ValueError(
        f'labels must be [Q] and [Q, n], here {list(wrong.shape[:1])} and {list(wrong.shape)}, '
        f'got {list(np.shape(query_labels))} and {list(np.shape(neighbour_labels))}'
      )
    wrong = np.asarray(neighbour_labels) != np.asarray(query_labels)[:, None]

  first = _grid(queries[:, None], MIN_TILE, np.zeros((len(queries), 1), bool))
  others = _grid(neighbours, MIN_TILE, wrong)
  height, left = first.shape[0], MARGIN + first.shape[1] + 2 * MARGIN
  top = MARGIN + SMALL + MARGIN // 2
  heading, note = 'nearest neighbours, from near to far', 'red frame: another class'
  width = left + max(others.shape[1], text_width(heading, SMALL)) + MARGIN
  page = new_page(width, top + height + MARGIN + (SMALL + MARGIN // 2) * (query_labels is not None))
  write(page, 'query', (MARGIN + FRAME, MARGIN - 2), SMALL)
  write(page, heading, (left + FRAME, MARGIN - 2), SMALL)
  page.paste(Image.fromarray(first), (MARGIN, top))
  page.paste(Image.fromarray(others), (left, top))
  if query_labels is not None:
    write(page, note, (left + FRAME, top + height + MARGIN // 2), SMALL, color=RED)
  grids.save_png(path, page)


def prior_over_time(rows, path, true_frequencies=None, class_of_code=None, class_names=None):
  """Draws the learned prior of each code over the steps; without such rows, nothing.

  Args:
    rows: what `jaxgan.logging.read_metrics` returns; 'prior' is [k].
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
  _one_each(classes, k, 'code')
  for given in (true_frequencies, class_names):
    if given is not None and max(classes) >= len(given):
      raise ValueError(f'code of class {max(classes)}, but there are {len(given)} classes')
  names = [f'code {code}' for code in range(k)]
  for code in np.flatnonzero(classes >= 0):
    names[code] += f' → {classes[code] if class_names is None else class_names[classes[code]]}'

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
  axes.axhline(1 / k, color='black', linestyle=':', linewidth=1.4, label='uniform')
  axes.plot([], [], color='0.4', linewidth=1.6, label='learned prior')
  if true_frequencies is not None:
    axes.plot([], [], color='0.4', linestyle='--', linewidth=1.0, label='true frequency')
  axes.legend(loc='lower left', bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=10)
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
  axes.bar(positions - 0.2, frequencies[order], 0.38, color='0.72', label='true frequency')
  axes.bar(positions + 0.2, prior[order], 0.38, color='C0', label='learned prior')
  plain_axes(axes)
  axes.set_xlim(-0.6, len(names) - 0.4)
  axes.set_ylabel('probability')
  distance = (np.abs(prior - frequencies).sum() + max(0.0, 1.0 - frequencies.sum())) / 2
  axes.set_title(f'total variation distance {distance:.3f}', fontsize=11, loc='left')
  axes.legend(loc='lower right', bbox_to_anchor=(1.0, 0.98), ncols=2, frameon=False)
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
  _one_each(class_names, num_classes, 'class')
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
    rows: what `jaxgan.logging.read_metrics` returns; 'std/<key>' becomes a band around the key.
    path: the PNG.
    keys: names of scalars, such as 'evaluation/nmi'.
  """
  keys = [key for key in keys if any(row.get(key) is not None for row in rows)]
  if keys:
    curves.curves(rows, path, keys)


def _grid(images, min_tile, framed=None):
  """uint8 [k, n, H, W, C] -> uint8 [H', W', 3]; framed [k, n] tells which tiles get a red frame."""
  images = np.asarray(images)
  if images.ndim != 5 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
    raise ValueError(
      f'images must be uint8 [rows, columns, H, W, 1 or 3], got {images.dtype} {list(images.shape)}'
    )
  if images.size == 0:
    raise ValueError(f'a grid needs at least one image, got {list(images.shape)}')
  rows, columns = images.shape[:2]
  tiles = grids.to_tiles(images.reshape(-1, *images.shape[2:]), min_tile)
  if framed is not None:
    inside = [(0, 0), (FRAME, FRAME), (FRAME, FRAME), (0, 0)]
    outside = np.pad(np.zeros(tiles.shape[:3], bool), inside[:3], constant_values=True)
    tiles = np.pad(tiles, inside, constant_values=255)
    tiles[outside & framed.reshape(-1, 1, 1)] = RED
  return grids.to_canvas(tiles.reshape(rows, columns, *tiles.shape[1:]), columns)


def _name_rows(page, names, right, top, height):
  for row, name in enumerate(names):
    y = top + (row + 0.5) * (height + GAP) / len(names) - GAP / 2
    write(page, name, (right - MARGIN // 2, y), SMALL, 'rm')


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


def _one_each(names, number, what):
  if len(names) != number:
    raise ValueError(f'one name or value a {what} is needed: {number}, got {len(names)}')
