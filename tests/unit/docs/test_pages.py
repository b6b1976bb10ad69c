"""What pages of the manual name is there: tests, files, API pages of every module."""

import importlib
import os
import pathlib
import re

import pytest
import repository_pages
import source_files

ROOT = pathlib.Path(__file__).resolve().parents[3]
DOCS = ROOT / 'docs'
FOUND = repository_pages.pages(ROOT)
BUILT = {f'{page}.md' for page in FOUND.values()} | {'results/index.md'}
PAGES = [path for path in sorted(DOCS.glob('*.md')) if path.name not in BUILT]
PAGES += [*sorted(DOCS.glob('api/*.md')), ROOT / 'README.md']
PAGES += [path for path in (ROOT / name for name in FOUND) if path.exists()]
REEXPORTED = ('losses', 'metrics')
ROOMS = sorted(path.parent.name for path in (ROOT / 'jaxgan').glob('*/__init__.py'))


def _named(path):
  return str(path.relative_to(ROOT))


@pytest.mark.parametrize('page', PAGES, ids=_named)
def test_named_tests_exist(page):
  targets = re.findall(r'\{test\}`([^`]+)`', page.read_text(encoding='utf-8'))
  assert [wrong for wrong in map(source_files.problem, targets) if wrong] == []


@pytest.mark.parametrize('page', PAGES, ids=_named)
def test_linked_files_exist(page):
  paths = [
    page.parent / link for link in repository_pages.targets(page.read_text(encoding='utf-8'))
  ]
  missing = [path for path in paths if not path.exists()]
  assert [path for path in missing if os.path.relpath(path, DOCS) not in BUILT] == []


def test_named_tests_that_do_not_exist_are_seen():
  problem = source_files.problem
  here = 'tests/unit/docs/test_pages.py'
  assert problem(here) is problem(f'{here}::test_named_tests_exist[a]') is None
  assert problem(f'{here}::test_nothing') == f'{here} has no test_nothing'
  assert 'there is no file' in problem('tests/no_such_file.py::test_a')
  assert 'there is no file' in problem('jaxgan/main.py')


@pytest.mark.parametrize('room', ROOMS)
def test_the_api_pages_have_every_module(room):
  page = (DOCS / 'api' / f'{room}.md').read_text(encoding='utf-8')
  folder = ROOT / 'jaxgan' / room
  paths = [path.relative_to(folder).with_suffix('').parts for path in folder.rglob('*.py')]
  modules = {'.'.join(['jaxgan', room, *parts]).removesuffix('.__init__') for parts in paths}
  named = {f'jaxgan.{room}', *re.findall(r'jaxgan[\w.]*', page)}
  if room in REEXPORTED:  # The packages have the public names of their modules.
    names = importlib.import_module(f'jaxgan.{room}').__all__
    documented = re.findall(r'auto(?:function|class|module):: ([\w.]+)', page)
    modules, named = set(names), {name.rpartition('.')[2] for name in documented}
  assert modules - named == set()
