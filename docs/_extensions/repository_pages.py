"""Pages of the manual whose text stands elsewhere in the repository.

CONTRIBUTING.md and CHANGELOG.md become `contributing` and `changelog`, each folder below
experiments/results the page `results/NAME` with its README, pictures and files. The pages are
written into docs/ before Sphinx looks for pages; git ignores them. Links to the original files,
such as `../experiments/results/fashion_lt/README.md`, lead to the pages.
"""

import os
import pathlib
import re

TOP = {'CONTRIBUTING.md': 'contributing', 'CHANGELOG.md': 'changelog'}
RESULTS = pathlib.PurePath('experiments', 'results')
_LINK = re.compile(r'(\]\(<?)([^)\s>#]+)(#[^)\s>]*)?')
_SITE = re.compile(r'[a-z]+:|/')
_FENCE = re.compile(r'^\s*(```|~~~|:::)')
_INDEX = """# Stored results

Each page is a folder of `experiments/results`: commands, protocol, numbers, pictures and files.

```{toctree}
:maxdepth: 1

"""


def pages(root):
  """The pages, {path in the repository: name of the page}; folders of results by their README."""
  found = {name: page for name, page in TOP.items() if (root / name).is_file()}
  for folder in sorted((root / RESULTS).glob('*/')):
    found[str(RESULTS / folder.name / 'README.md')] = f'results/{folder.name}'
  return found


def relocated(text, source, page, found):
  """Rewrites the relative links of Markdown that a page elsewhere shows; targets stay the same.

  Args:
    text: of the file.
    source: the file's path in the repository.
    page: the name of the page that shows it.
    found: what `pages` returns.
  """
  here = os.path.dirname(os.path.join('docs', page))

  def moved(match):
    start, target, fragment = match[1], match[2], match[3] or ''
    if _SITE.match(target):
      return match[0]
    path = os.path.normpath(os.path.join(os.path.dirname(source), target))
    shown = found.get(path) or found.get(os.path.join(path, 'README.md'))
    path = os.path.join('docs', f'{shown}.md') if shown else path
    return f'{start}{os.path.relpath(path, here)}{fragment}'

  return '\n'.join(line if code else _LINK.sub(moved, line) for line, code in _lines(text)) + '\n'


def targets(text):
  """The files that the links of Markdown name, without fragments and addresses of sites."""
  links = [_LINK.findall(line) for line, code in _lines(text) if not code]
  return [target for found in links for _, target, _ in found if not _SITE.match(target)]


def _lines(text):
  """Yields each line and whether it is code."""
  fenced = False
  for line in text.splitlines():
    fenced ^= bool(_FENCE.match(line))
    yield line, fenced or line.startswith('    ')


def result_page(root, name):
  """The page of a folder of results: its README, the pictures that it does not show, its files."""
  folder = root / RESULTS / name
  readme = folder / 'README.md'
  text = readme.read_text(encoding='utf-8') if readme.exists() else ''
  files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*.*'))
  pictures = [path for path in files if path.endswith('.png') and f']({path})' not in text]
  parts = [] if text.startswith('# ') else [f'# {name}']
  parts += [text.strip('\n')] if text else []
  if pictures:
    parts += ['## Pictures', *(f'`{path}`\n\n![{path}]({path})' for path in pictures)]
  listed = [path for path in files if not path.endswith(('.png', '.md'))]
  if listed:
    parts += ['## Files', '\n'.join(f'- [{path}]({path})' for path in listed)]
  return '\n\n'.join(parts)


def index_page(root, found):
  """The list of the folders of results and of the files beside them."""
  names = sorted(page.removeprefix('results/') for page in found.values() if '/' in page)
  files = sorted(path.name for path in (root / RESULTS).glob('*.json'))
  listed = '\n'.join(f'- [{name}](../../{RESULTS}/{name})' for name in files)
  return _INDEX + '\n'.join(names) + f'\n```\n\n## Single measurements\n\n{listed}\n'


def write(root, docs):
  """Writes the pages that are not as they should be."""
  found = pages(root)
  texts = {'results/index': index_page(root, found)}
  for source, page in found.items():
    if page in TOP.values():
      text = (root / source).read_text(encoding='utf-8')
    else:
      text = result_page(root, page.removeprefix('results/'))
    texts[page] = relocated(text, source, page, found)
  for page, text in texts.items():
    path = docs / f'{page}.md'
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding='utf-8') != text:
      path.write_text(text, encoding='utf-8')
  for path in (docs / 'results').glob('*.md'):
    if f'results/{path.stem}' not in texts:
      path.unlink()


def setup(app):
  root = pathlib.Path(app.confdir).resolve().parent

  def on_start(app):
    write(root, root / 'docs')

  def on_read(app, page, source):
    if app.env.doc2path(page).suffix == '.md' and not page.startswith('results/'):
      source[0] = relocated(source[0], f'docs/{page}.md', page, pages(root))

  app.connect('builder-inited', on_start)
  app.connect('source-read', on_read)
  return {'parallel_read_safe': True, 'parallel_write_safe': True}
