"""Report: the evaluations of many runs in tables, beside the published numbers.

The family of an evaluation's method defines the tables, see `jaxgan.runs.family.Family`.
"""

import contextlib
from pathlib import Path

from jaxgan.config import identity
from jaxgan.errors import UserError
from jaxgan.evaluation import metric
from jaxgan.evaluation import record as record_lib
from jaxgan.report import differences, formatting, others
from jaxgan.report.blocks import Table, Text
from jaxgan.report.footnotes import Footnotes
from jaxgan.report.published import published_values
from jaxgan.report.rows import merge
from jaxgan.runs import families
from jaxgan.system import files
from jaxgan.system.names import escaped
from jaxgan.training import optional

__all__ = ['collect', 'console_table', 'markdown_table', 'published_values', 'report']


def report(work_dirs, out=None):
  """The Markdown tables of all evaluations under some folders.

  Args:
    work_dirs: folders that hold evaluation.json, or whose folders do.
    out: a file that also gets the tables, or None: Markdown, and pictures of the families that have
      some are drawn beside it, or one HTML page with curves and images of the runs in it.

  Returns:
    The text.

  Raises:
    UserError: a folder has no evaluation, an evaluation or its samples are damaged, or `out` or
      its pictures cannot be written.
  """
  rows = collect(work_dirs)
  text = markdown_table(rows)
  if out is not None:
    kind = '' if Path(out).is_dir() else Path(out).suffix
    if kind not in ('.md', '.html'):
      raise UserError(
        f'cannot write the report to {out}: name a Markdown or HTML file, such as report.md or '
        'report.html'
      )
    try:
      Path(out).parent.mkdir(parents=True, exist_ok=True)
      if kind == '.html':
        files.replace(out, _page(rows).encode())
      else:
        _write_markdown(rows, text, Path(out))
    except UserError:
      raise
    except OSError as error:
      raise UserError(f'cannot write the report to {out}: {error.strerror or error}') from error
    except Exception as error:
      raise UserError(f'cannot write the report to {out}: {optional.reason(error)}') from error
  return text


def _write_markdown(rows, text, out):
  """Writes the tables, and the pictures beside them; what is wrong with the runs shows in these."""
  failed = None
  for family, own in _by_family(rows):
    try:
      family.pictures(own, out)
    except (UserError, OSError):
      raise
    except Exception as error:  # The numbers stand.
      failed = error
  files.replace(out, (text + '\n').encode())
  if failed:
    raise UserError(
      f'{out} is written, but not all of its pictures: {optional.reason(failed)}'
    ) from failed


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
      for path in sorted(Path(folder).glob(below + record_lib.NAME))
    ]
    if not found:
      raise UserError(
        f'{folder}: no {record_lib.NAME} there or up to three levels below; run --mode=evaluate'
      )
    paths |= {path.resolve(): path for path in found}
  records = [(_read(path), path.parent) for path in paths.values()]
  return merge(records, lambda record: _family(record).published(record))


def _read(path):
  """The record in a file, checked by the metrics of its family."""
  record = record_lib.read(path)
  for folder in (path.parent, path.parent.parent):  # That of a replica has no configuration.
    if (folder / identity.NAME).exists():
      identity.content(folder)  # Imports what registered the method and its metrics.
  try:
    if record.method not in families.all_methods():
      raise ValueError(f'there is no method {record.method!r}')
    metric.check(_family(record).metrics, record)
  except ValueError as error:
    raise record_lib.damaged(path, error) from error
  return record


def markdown_table(rows):
  """The rows as Markdown: a section for each family, then the footnotes.

  Args:
    rows: what `collect` returns.

  Returns:
    The text.
  """
  footnotes = Footnotes()
  parts = []
  for family, own in _by_family(rows):
    parts += [f'## {family.title}', *map(_markdown, _section(family, own, footnotes))]
  return '\n\n'.join([*parts, '\n'.join(footnotes.lines())])


def console_table(rows):
  """The rows as aligned plain text for the terminal, the scores of each method.

  Args:
    rows: what `collect` returns.

  Returns:
    The text, one block for each experiment.
  """
  blocks = []
  for family, own in _by_family(rows):
    with _damage_told(own):
      blocks += family.console(own)
  return '\n\n'.join(blocks)


def _markdown(block):
  if isinstance(block, Text):
    return escaped(block.text)
  return f'**{escaped(block.title)}**\n\n{formatting.markdown(block.lines)}'


def _page(rows):
  """The rows as HTML: the tables, then what the first run of each row has to show."""
  from jaxgan.report import page

  footnotes, sections = Footnotes(), []
  for family, own in _by_family(rows):
    sections.append(page.Section(family.title, _section(family, own, footnotes)))
  for row in rows:
    several = f' (first of {len(row.folders)} runs)' if len(row.folders) > 1 else ''
    title = f'{row.experiment}: {row.method}{several}'
    sections.append(page.Section(title, _blocks(row), row.protocol()))
  title = ', '.join(dict.fromkeys(row.experiment for row in rows))
  return page.render(title, sections, footnotes.texts)


def _blocks(row):
  """What the page shows of the first run of a row."""
  record, folder = row.records[0], row.folders[0]
  shown, labels = _family(record), record.labels.get('classes')
  with _damage_told([row], 'its log or its images are'):
    trained = shown.trained(folder, labels.names if labels else (), labels.counts if labels else ())
    return trained + shown.evaluated(folder, record)


@contextlib.contextmanager
def _damage_told(rows, what=f'one {record_lib.NAME} is'):
  """Raises a UserError that names the folders where their files do not go together."""
  try:
    yield
  except (ValueError, KeyError, TypeError, IndexError) as error:
    folders = ', '.join(str(row.folders[0]) for row in rows)
    reason = f'{type(error).__name__}: {error}'
    raise UserError(f'{folders}: {what} damaged ({reason}); run --mode=evaluate again') from error


def _family(record):
  """The family that a record's method belongs to."""
  return families.family_of([record.method])


def _section(family, rows, footnotes):
  """The tables of a family, then metrics from outside and what differs from the authors' code."""
  with _damage_told(rows):
    parts = family.section(rows, footnotes) + others.blocks(rows, family.metrics)
  differing = differences.cells(family.differences, rows)
  if len(differing) > 1:
    parts += [Table(differences.TITLE, differing), Text(differences.EXPLANATION)]
  return parts


def _by_family(rows):
  """[(family, its rows)] of the families that have rows."""
  own = {family: [r for r in rows if _family(r) is family] for family in families.FAMILIES.values()}
  return [(family, rows) for family, rows in own.items() if rows]
