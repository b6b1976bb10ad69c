"""What a page shows of a run: curves, its prior, code grids and the pictures of its evaluation."""

from pathlib import Path

from jaxgan.report import blocks
from jaxgan.report.curves import Line, chart, training

PICTURES = {
  'code_grid.png': 'Codes: a row a code, a noise a column',
  'prior_against_truth.png': 'Learned prior and true frequencies',
  'prior_over_time.png': 'Learned prior over the steps, each code with the class matched with it',
  'confusion.png': 'Codes and classes: what each code makes',
  'retrieval.png': "Real images and their nearest neighbours in Q's features",
}


def trained(folder, class_names, train_counts):
  """Blocks of what a run has since it began: losses, scores, prior, code grids.

  Args:
    folder: of the run or replica.
    class_names: not used: codes are no classes.
    train_counts: not used.
  """
  del class_names, train_counts
  note = 'A row a code, a noise a column, the same at every step.'
  grids = blocks.steps(folder, 'step_*.png', 'Codes over the steps', note)
  return training(folder, 'Codes and their prior', _prior_chart) + grids


def _prior_chart(rows):
  rows = [row for row in rows if 'prior' in row]
  columns = zip(*(row['prior'] for row in rows), strict=True)
  steps = [row['step'] for row in rows]
  lines = [Line(f'code {code}', steps, list(column)) for code, column in enumerate(columns)]
  level = ('uniform', 1 / max(1, len(lines)))
  return chart('probability of each code', lines, level=level)


def evaluated(folder, record):
  """Blocks of a run's evaluation: its pictures.

  Args:
    folder: of the run or replica.
    record: not used.
  """
  del record
  traversals = sorted(path.name for path in Path(folder).glob('traversal_*.png'))
  titles = {name: f'Continuous code {i}' for i, name in enumerate(traversals, start=1)}
  return blocks.figures(folder, PICTURES | titles)
