"""Pictures of the code: what the categorical code of an InfoGAN means, in images.

Grids of generated images, traversals and retrieval as the figures of
"Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020. Arrays in, one PNG out; generated images are drawn pixel by pixel.
"""

import numpy as np
from PIL import Image

from jaxgan.drawing import curves, grids
from jaxgan.drawing.grids import GAP, MIN_TILE
from jaxgan.drawing.page import MARGIN, new_page, text_width, write
from jaxgan.evaluation.record import CODES_FILE, RETRIEVAL_FILE, read_samples
from jaxgan.report import code_charts as charts
from jaxgan.report.code_charts import SMALL, one_each
from jaxgan.report.codes import GRID_FILE
from jaxgan.system.names import shown
from jaxgan.training import logging, optional

LARGE = 16  # pixels, size of a title
PANEL_TILE = 28  # pixels; smaller images are enlarged in code_grids
TITLE = 64  # characters of a panel's title
PANELS = 4  # panels in a line of code_grids
RETRIEVALS = 2  # panels in a line of retrievals, as in the paper's Fig. 9
FRAME = 3  # pixels of the frame in retrieval
RED = (214, 39, 40)
_TRAVERSAL = np.linspace(-1.0, 1.0, 9)
_CURVES = ('evaluation/nmi', 'evaluation/ent')


def compare(workdir, folders):
  """Draws the code grids and the retrieved images of several methods side by side.

  Args:
    workdir: gets the pictures.
    folders: {method: the folder of its evaluation}.

  Returns:
    Paths of the pictures written.
  """
  panels, path, drawn = {}, workdir / 'code_grids.png', []
  with optional.output(path):
    for method, folder in folders.items():
      (panels[method],) = read_samples(folder / CODES_FILE, 5, 'images')
    code_grids(panels, path)
    drawn.append(path)
  with optional.output(path := workdir / 'retrieval.png'):
    panels = _retrieved(folders)
    if len(panels) > 1:
      retrievals(panels, path)
      drawn.append(path)
  return drawn


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
    grids.save_png(samples / f'step_{step:08d}.png', code_grid(grid))
  rows = logging.read_metrics(folder)
  with optional.output(path := folder / 'loss_curves.png'):
    curves.loss_curves(rows, path)
  with optional.output(path := folder / 'evaluation_curves.png'):
    charts.evaluation_curves(rows, path, _CURVES)
  with optional.output(path := folder / 'prior_over_time.png'):
    charts.prior_over_time(rows, path)


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
  names = _draw_codes(folder, record, kept['grid'])
  with optional.output(folder / 'traversal_1.png'):
    for i, images in enumerate(observer.traversals(state, rng, _TRAVERSAL), start=1):
      path = folder / f'traversal_{i}.png'
      traversal(images, path, names, _TRAVERSAL, f'continuous code {i}')
  with optional.output(path := folder / 'retrieval.png'):
    retrieval(path, **kept['retrieved'])


def _draw_codes(folder, record, grid):
  """The pictures of codes and their classes; returns the names of the codes in pictures."""
  results, labels = record.results, record.labels.get('classes')
  names = [f'code {code}' for code in range(len(grid))]
  truth = {}
  if labels:
    counts, classes = np.array(results['counts']), np.array(results['matched_classes'])
    names = [
      f'{name} → {shown(labels.names[c])}' if c >= 0 else name
      for name, c in zip(names, classes, strict=True)
    ]
    frequencies = np.array(labels.counts) / sum(labels.counts)
    truth = {
      'true_frequencies': frequencies, 'class_of_code': classes, 'class_names': labels.names
    }  # fmt: skip
    with optional.output(path := folder / 'confusion.png'):
      charts.confusion(counts, labels.names, path, nmi=results['nmi'], ent=results['ent'])
    matched = np.array(results['matched_frequencies'])
    with optional.output(path := folder / 'prior_against_truth.png'):
      charts.prior_against_truth(np.array(results['prior']), matched, names, path)
  shares = [f'{name}  ({p:.3f})' for name, p in zip(names, results['prior'], strict=True)]
  with optional.output(path := folder / GRID_FILE):
    grids.save_png(path, code_grid(grid, shares))
  with optional.output(path := folder / 'prior_over_time.png'):
    charts.prior_over_time(logging.read_metrics(folder), path, **truth)
  return names


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
  one_each(row_names, len(images), 'row')
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
  titles = [shown(title, TITLE) for title in panels]
  width = max(text_width(title, LARGE) for title in titles)
  width = max(width, *(canvas.shape[1] for canvas in canvases)) + 2 * MARGIN
  height = max(canvas.shape[0] for canvas in canvases) + LARGE + 2 * MARGIN
  page = new_page(columns * width, lines * height + MARGIN)
  for index, (title, canvas) in enumerate(zip(titles, canvases, strict=True)):
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
  one_each(names, rows, 'row')
  one_each(values, steps, 'column')
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


def retrieval(path, queries, neighbours, query_labels=None, labels=None):
  """Draws images and their nearest neighbours, one query a row, the nearest first.

  With labels, neighbours of another class than the query have a red frame.

  Args:
    path: the PNG.
    queries: uint8 [Q, H, W, C].
    neighbours: uint8 [Q, n, H, W, C], from near to far.
    query_labels: [Q] integers.
    labels: [Q, n] integers, of the neighbours.

  Raises:
    ValueError: there is no image, the type or a shape is another, or only one of the labels is
      given.
  """
  grids.save_png(path, _retrieval(queries, neighbours, query_labels, labels))


def retrievals(panels, path):
  """Draws what several methods retrieve, as the paper's Fig. 9: two methods in a line.

  Args:
    panels: {title: the arguments of `retrieval` by name}.
    path: the PNG.

  Raises:
    ValueError: there is no panel, or see `retrieval`.
  """
  if not panels:
    raise ValueError('retrievals needs at least one panel')
  pages = [_retrieval(**arrays) for arrays in panels.values()]
  titles = [shown(title, TITLE) for title in panels]
  width = max(max(page.width for page in pages), *(text_width(t, LARGE) for t in titles)) + MARGIN
  height = max(page.height for page in pages) + LARGE + MARGIN
  columns = min(len(pages), RETRIEVALS)
  page = new_page(columns * width, -(-len(pages) // columns) * height + MARGIN)
  for index, (title, panel) in enumerate(zip(titles, pages, strict=True)):
    left, top = index % columns * width, MARGIN + index // columns * height
    write(page, title, (left + width // 2, top), LARGE, 'ma')
    page.paste(panel, (left, top + LARGE))
  grids.save_png(path, page)


def _retrieval(queries, neighbours, query_labels=None, labels=None):
  """The page of `retrieval`."""
  neighbours, queries = np.asarray(neighbours), np.asarray(queries)
  together = queries.ndim == 4 and neighbours.ndim == 5
  if not together or neighbours[:, :1].shape != queries[:, None].shape:
    raise ValueError(
      'queries must be [Q, H, W, C] and neighbours [Q, n, H, W, C], '
      f'got {list(queries.shape)} and {list(neighbours.shape)}'
    )
  wrong = np.zeros(neighbours.shape[:2], bool)
  if (query_labels is None) != (labels is None):
    raise ValueError('give the labels of queries and of neighbours, or none')
  if query_labels is not None:
    if np.shape(query_labels) != wrong.shape[:1] or np.shape(labels) != wrong.shape:
      raise ValueError(
        f'labels must be [Q] and [Q, n], here {list(wrong.shape[:1])} and {list(wrong.shape)}, '
        f'got {list(np.shape(query_labels))} and {list(np.shape(labels))}'
      )
    wrong = np.asarray(labels) != np.asarray(query_labels)[:, None]

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
  return page


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
