"""Report: the evaluations of many runs in tables, beside the published numbers."""

from pathlib import Path

from jaxgan import report_balance, report_codes
from jaxgan.errors import UserError
from jaxgan.logging import replace_file
from jaxgan.report_rows import Footnotes, merge, published_values, read

__all__ = ['collect', 'console_table', 'markdown_table', 'published_values', 'report']

EVALUATION_FILE = 'evaluation.json'
KINDS = (report_balance, report_codes)


def report(work_dirs, out=None):
  """The Markdown tables of all evaluations under some folders.

  Args:
    work_dirs: folders that hold evaluation.json, or whose folders do.
    out: a file that also gets the tables, or None. Of categorical codes, pictures are
      drawn beside it.

  Returns:
    The text.

  Raises:
    UserError: a folder has no evaluation, an evaluation or its samples are damaged, or `out`
      cannot be written.
  """
  rows = collect(work_dirs)
  text = markdown_table(rows)
  if out is not None:
    try:
      replace_file(out, (text + '\n').encode())
      report_codes.pictures(_of_kind(report_codes, rows), Path(out))
    except OSError as error:
      raise UserError(f'cannot write the report to {out}: {error.strerror}') from error
  return text


def collect(work_dirs):
  """Reads every evaluation.json in the folders and up to three levels below.

  Runs of the same experiment and method become one row when their protocols
  agree in all but seed, hardware, JAX version and trained classifiers, of
  categorical codes also in the split of the data. A run that comes up again
  starts a row of its own: it is no independent run.

  Args:
    work_dirs: folders.

  Returns:
    A list of `Row`, sorted by experiment and method.

  Raises:
    UserError: a folder has no evaluation, or an evaluation is damaged.
  """
  paths = {}
  for folder in work_dirs:
    found = [
      path
      for below in ('', '*/', '*/*/', '*/*/*/')
      for path in sorted(Path(folder).glob(below + EVALUATION_FILE))
    ]
    if not found:
      raise UserError(
        f'{folder}: no {EVALUATION_FILE} there or up to three levels below; run --mode=evaluate'
      )
    paths |= {path.resolve(): path for path in found}
  return merge([(read(path, _kind), path.parent) for path in paths.values()], _kind)


def markdown_table(rows):
  """The rows as Markdown: a section for each kind of evaluation, then the footnotes.

  Args:
    rows: what `collect` returns.

  Returns:
    The text.
  """
  footnotes = Footnotes()
  parts = [
    f'## {kind.TITLE}\n\n{kind.section(own, footnotes)}'
    for kind in KINDS
    if (own := _of_kind(kind, rows))
  ]
  return '\n\n'.join([*parts, '\n'.join(footnotes.lines())])


def console_table(rows):
  """The rows as aligned plain text for the terminal, the scores of each method.

  Args:
    rows: what `collect` returns.

  Returns:
    The text, one block for each experiment.
  """
  return '\n\n'.join(block for kind in KINDS for block in kind.console(_of_kind(kind, rows)))


def _kind(evaluation):
  return report_codes if 'nmi' in evaluation['results'] else report_balance


def _of_kind(kind, rows):
  return [row for row in rows if _kind(row.evaluations[0]) is kind]
