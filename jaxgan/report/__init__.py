"""Report: the evaluations of many runs in tables, beside the published numbers.

Which tables, the family of an evaluation's method says: its `report` is a module with

  TITLE                     of its section
  check(evaluation)         raises where the results or the protocol are not as they should be
  settings(evaluation)      what must agree in the runs of a row
  run(evaluation)           what tells the runs of a row apart
  published(evaluation)     -> (the paper's values, their source)
  section(rows, footnotes)  -> Markdown
  console(rows)             -> texts for the terminal
  pictures(rows, out)       what it draws beside the report `out`
"""

from pathlib import Path

from jaxgan import evaluation_file, families, files
from jaxgan.errors import UserError
from jaxgan.report.footnotes import Footnotes
from jaxgan.report.published import published_values
from jaxgan.report.rows import merge, read

__all__ = ['collect', 'console_table', 'markdown_table', 'published_values', 'report']


def report(work_dirs, out=None):
  """The Markdown tables of all evaluations under some folders.

  Args:
    work_dirs: folders that hold evaluation.json, or whose folders do.
    out: a file that also gets the tables, or None. Pictures of the families that have some
      are drawn beside it.

  Returns:
    The text.

  Raises:
    UserError: a folder has no evaluation, an evaluation or its samples are damaged, or `out`
      cannot be written.
  """
  rows = collect(work_dirs)
  text = markdown_table(rows)
  if out is not None:
    if Path(out).is_dir() or Path(out).suffix != '.md':
      raise UserError(f'cannot write the report to {out}: name a Markdown file, such as report.md')
    try:
      # What is wrong with the runs shows in their pictures.
      Path(out).parent.mkdir(parents=True, exist_ok=True)
      for family_report, own in _by_family(rows):
        family_report.pictures(own, Path(out))
      files.replace(out, (text + '\n').encode())
    except OSError as error:
      raise UserError(f'cannot write the report to {out}: {error.strerror}') from error
  return text


def collect(work_dirs):
  """Reads every evaluation.json in the folders and up to three levels below.

  Runs of the same experiment and method become one row when their protocols agree in all but what
  their family lets differ, such as the seed. A run that comes up again starts a row of its own: it
  is no independent run.

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
      for path in sorted(Path(folder).glob(below + evaluation_file.NAME))
    ]
    if not found:
      raise UserError(
        f'{folder}: no {evaluation_file.NAME} there or up to three levels below; '
        'run --mode=evaluate'
      )
    paths |= {path.resolve(): path for path in found}
  return merge([(read(path, _report_of), path.parent) for path in paths.values()], _report_of)


def markdown_table(rows):
  """The rows as Markdown: a section for each family, then the footnotes.

  Args:
    rows: what `collect` returns.

  Returns:
    The text.
  """
  footnotes = Footnotes()
  parts = [
    f'## {family_report.TITLE}\n\n{family_report.section(own, footnotes)}'
    for family_report, own in _by_family(rows)
  ]
  return '\n\n'.join([*parts, '\n'.join(footnotes.lines())])


def console_table(rows):
  """The rows as aligned plain text for the terminal, the scores of each method.

  Args:
    rows: what `collect` returns.

  Returns:
    The text, one block for each experiment.
  """
  blocks = []
  for family_report, own in _by_family(rows):
    blocks += family_report.console(own)
  return '\n\n'.join(blocks)


def _report_of(evaluation):
  """The report of the family that an evaluation's method belongs to."""
  method = evaluation['method']
  if method not in families.all_methods():
    raise ValueError(f'there is no method {method!r}')
  return families.family_of([method]).report


def _by_family(rows):
  """[(report of a family, its rows)] of the families that have rows."""
  reports = [family.report for family in families.all_families()]
  own = [[row for row in rows if _report_of(row.evaluations[0]) is one] for one in reports]
  return [(one, rows) for one, rows in zip(reports, own, strict=True) if rows]
