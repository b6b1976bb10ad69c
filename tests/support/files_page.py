"""The tables of docs/files.md, as patterns of paths in a work directory."""

import pathlib
import re

PAGE = pathlib.Path(__file__).parents[2] / 'docs' / 'files.md'
PLACEHOLDERS = {
  'METHOD': r'[a-z_]+',
  'ROLE': r'(classifier|annotator)',
  'STEP': r'\d+',
  'NAME': r'[^/]+',
}


def listed(section: str = '') -> list[str]:
  """Returns the paths in the first cells of all tables, or of the tables of one section."""
  text = PAGE.read_text(encoding='utf-8').partition('(metrics-jsonl)=')[0]
  if section:
    text = text.partition(f'\n## {section}\n')[2].partition('\n## ')[0]
  cells = [line.split('|')[1] for line in text.splitlines() if line.startswith('| `')]
  return [path for cell in cells for path in re.findall(r'`([^`]+)`', cell)]


def expression(path: str) -> re.Pattern:
  """Returns the pattern of a listed path; a folder stands for all files in it."""
  words = re.split(f'({"|".join(PLACEHOLDERS)})', path)
  pattern = ''.join(PLACEHOLDERS.get(word) or re.escape(word) for word in words)
  return re.compile(pattern + ('.+' if path.endswith('/') else ''))


def written(workdir: pathlib.Path) -> list[str]:
  """Returns the paths of all files in a work directory."""
  return sorted(str(p.relative_to(workdir)) for p in workdir.rglob('*') if p.is_file())


def unlisted(workdir: pathlib.Path) -> list[str]:
  """Returns the files that no table lists."""
  patterns = [expression(path) for path in listed()]
  return [path for path in written(workdir) if not any(p.fullmatch(path) for p in patterns)]


def not_written(workdir: pathlib.Path, section: str) -> list[str]:
  """Returns the listed paths of a section that a work directory does not have."""
  files = written(workdir)
  return [path for path in listed(section) if not any(map(expression(path).fullmatch, files))]
