"""Curves over the steps of a run: losses, accuracies and other logged scalars."""

import numpy as np

from jaxgan.drawing.figures import new_figure, plain_axes, save_figure


def loss_curves(rows, path):
  """Draws each loss and accuracy over the steps (see `curves`); without such a series, nothing.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns.
    path: the PNG.
  """
  names = {name for row in rows for name, value in row.items() if not isinstance(value, list)}
  names = {name for name in names if not name.startswith('std/')}
  names = sorted(name for name in names if name.startswith('loss/') or 'accuracy' in name)
  if names:
    curves(rows, path, names)


def curves(rows, path, names):
  """Draws series over the steps, one panel each, as mean ± std where rows have 'std/<name>'.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns.
    path: the PNG.
    names: at least one; each is a scalar of some row.
  """
  columns = min(3, len(names))
  lines = -(-len(names) // columns)
  figure = new_figure(4.0 * columns, 2.6 * lines)
  for index, name in enumerate(names):
    axes = figure.add_subplot(lines, columns, index + 1)
    points = [(row['step'], row[name], row.get(f'std/{name}')) for row in rows if name in row]
    # None, a value that was not finite: a gap.
    steps, values, stds = np.array(points, np.float64).T
    axes.plot(steps, values, color='C0', linewidth=1.0, marker='.' if len(steps) < 30 else None)
    if not np.isnan(stds).all():
      axes.fill_between(steps, values - stds, values + stds, color='C0', alpha=0.2, linewidth=0)
    axes.set_title(name, fontsize=10)
    plain_axes(axes)
    if index + columns >= len(names):
      axes.set_xlabel('step')
  save_figure(path, figure)
