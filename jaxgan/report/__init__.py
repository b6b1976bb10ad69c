"""Report: tables of the evaluations of many runs beside the published numbers.

The caller passes the families of methods, {name: `jaxgan.runs.family.Family`}, which provide
tables, texts and pictures.
"""

from collections.abc import Iterable, Mapping, Sequence
import contextlib
import os
from pathlib import Path
from typing import Any

from jaxgan.errors import UserError
from jaxgan.evaluation import record as record_lib
from jaxgan.evaluation.verdicts import grouped
from jaxgan.report import assessments, curves, differences, page, tables
from jaxgan.report.classifiers import in_words as judges_in_words
from jaxgan.report.published import published_values
from jaxgan.report.rows import Row, collect
from jaxgan.system import files
from jaxgan.system.names import escaped
from jaxgan.training import optional

__all__ = [
  'collect',
  'console_table',
  'judges_in_words',
  'markdown_table',
  'published_values',
  'report',
]


def report(
  work_dirs: Iterable[str | os.PathLike[str]],
  families: Mapping[str, Any],
  out: str | os.PathLike[str] | None = None,
) -> str:
  """Assesses and tabulates all evaluations in some folders and their subfolders as Markdown.

  Args:
    work_dirs: folders with an evaluation.json, up to three levels below.
    families: {name: family} of the methods.
    out: a file to write, or None. A Markdown file gets the tables, with pictures drawn beside it;
      an HTML file gets the tables, curves and images in one page.

  Returns:
    The text.

  Raises:
    UserError: a folder has no evaluation, an evaluation or its samples are damaged, or `out` or
      its pictures cannot be written.
  """
  rows = collect(work_dirs, families)
  assessed = [escaped(text) for text in _assessed(rows)]
  parts = [f'## {assessments.TITLE}', *assessed] if assessed else []
  text = '\n\n'.join([*parts, markdown_table(rows)])
  if out is not None:
    out = Path(out)
    kind = '' if out.is_dir() else out.suffix
    if kind not in ('.md', '.html'):
      raise UserError(
        f'--out={out}: expected a Markdown or HTML file, for example report.md or report.html.'
      )
    try:
      if kind == '.html':
        files.replace(out, _page(rows).encode())
      else:
        _write_markdown(rows, text, out)
    except UserError:
      raise
    except Exception as error:
      reason = getattr(error, 'strerror', None) or optional.reason(error)
      raise UserError(f'cannot write the report to {out}: {reason}') from error
  return text


def _write_markdown(rows, text, out):
  """Draws the pictures, then writes the tables; with damaged samples it writes neither."""
  failed = None
  for family, own in _by_family(rows):
    try:
      family.pictures(own, out)
    except (UserError, OSError):
      raise
    except Exception as error:  # The tables are still valid.
      failed = error
  files.replace(out, (text + '\n').encode())
  if failed:
    raise UserError(
      f'{out} is written, but some of its pictures are not: {optional.reason(failed)}'
    ) from failed


def markdown_table(rows: Sequence[Row]) -> str:
  """Formats rows as Markdown: a section for each family, then the footnotes.

  Args:
    rows: the result of `collect`.

  Returns:
    The text.
  """
  footnotes, parts = {}, []
  for title, blocks in _sections(rows, footnotes):
    parts += [f'## {title}', *map(_markdown, blocks)]
  notes = [f'[^{number}]: {escaped(text)}' for text, number in footnotes.items()]
  return '\n\n'.join([*parts, '\n'.join(notes)])


def console_table(rows: Sequence[Row]) -> str:
  """Formats the scores of each method as aligned plain text for the terminal.

  Args:
    rows: the result of `collect`.

  Returns:
    The text, one block for each experiment.
  """
  blocks = []
  for family, own in _by_family(rows):
    with _damage_told(own):
      blocks += family.console(own)
  return '\n\n'.join(blocks)


def _markdown(block):
  if isinstance(block, str):
    return escaped(block)
  return f'**{escaped(block.title)}**\n\n{tables.markdown(block.lines)}'


def _page(rows):
  """Renders rows as HTML: the tables, then charts and images of the first run of each row."""
  footnotes = {}
  paragraphs = _assessed(rows)
  sections = [page.Section(assessments.TITLE, paragraphs)] if paragraphs else []
  sections += [page.Section(title, blocks) for title, blocks in _sections(rows, footnotes)]
  for row in rows:
    several = f' (first of {len(row.folders)} runs)' if len(row.folders) > 1 else ''
    title = f'{row.experiment}: {row.method}{several}'
    sections.append(page.Section(title, _blocks(row), row.protocol()))
  title = ', '.join(dict.fromkeys(row.experiment for row in rows))
  return page.render(title, sections, footnotes)


def _assessed(rows):
  """Returns the paragraphs that tell whether the methods worked."""
  with _damage_told(rows):
    return assessments.texts(rows)


def _blocks(row):
  """Returns the blocks of the first run of a row: its training and its evaluation."""
  record, folder = row.records[0], row.folders[0]
  labels = record.labels.get('classes', record_lib.LabelSet(names=()))
  with _damage_told([row], 'its log or its images are'):
    trained = row.family.trained(folder, labels.names, labels.counts)
    kept = curves.kept_evaluations(record_lib.history(folder), row.family.metrics)
    return trained + kept + row.family.evaluated(folder, record)


@contextlib.contextmanager
def _damage_told(rows, what=f'one {record_lib.NAME} is'):
  """Turns errors from damaged files into a UserError that names the folders of the rows."""
  try:
    yield
  except UserError:  # It names the damaged file.
    raise
  except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
    folders = ', '.join(str(row.folders[0]) for row in rows)
    reason = f'{type(error).__name__}: {error}'
    raise UserError(f'{folders}: {what} damaged ({reason}); run jaxgan evaluate again') from error


def _sections(rows, footnotes):
  """Yields the title and blocks of each family, with registered metrics and differences."""
  for family, own in _by_family(rows):
    with _damage_told(own):
      blocks = family.section(own, footnotes) + tables.added(own, family.metrics)
    yield family.title, blocks + differences.blocks(family.differences, own)


def _by_family(rows):
  """Returns (family, its rows) for each family."""
  return grouped(rows, lambda row: row.family).items()
