"""Figures: the size, look and file of everything that matplotlib draws."""

import io

from jaxgan import files

DPI = 100


def new_figure(width, height, layout='constrained'):
  """A matplotlib figure of so many inches."""
  # A Figure of its own: pyplot keeps a global list of figures and may look for a display.
  from matplotlib.figure import Figure

  return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def plain_axes(axes):
  """The look of all axes: a light grid, no frame, few steps."""
  axes.spines[['top', 'right']].set_visible(False)
  axes.grid(color='0.9', linewidth=0.8)
  axes.set_axisbelow(True)
  axes.tick_params(labelsize=9)
  axes.locator_params(axis='x', nbins=5)


def save_figure(path, figure):
  """Writes a figure as a PNG, whole or not at all."""
  buffer = io.BytesIO()
  figure.savefig(buffer, format='png', dpi=DPI)
  files.replace(path, buffer.getvalue())
