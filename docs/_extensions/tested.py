"""The role {test}`tests/unit/losses/test_x.py::test_name`: a link to the source of a test.

A test that does not exist is a warning, which fails the build. The sources of the tests that pages
name are pages of the site, with one anchor for each function.
"""

import ast
import functools
import pathlib

from docutils import nodes
import pygments
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

ROOT = pathlib.Path(__file__).resolve().parents[2]


class test_link(nodes.Inline, nodes.TextElement):
  """A link to a test; `target` is 'FILE::FUNCTION' or 'FILE'."""


@functools.cache
def lines_of(path):
  """{function or Class::function: its line} of a file; None if there is no such file."""
  try:
    tree = ast.parse((ROOT / path).read_text(encoding='utf-8'))
  except (FileNotFoundError, IsADirectoryError):
    return None
  found = {}
  for node in tree.body:
    if isinstance(node, ast.FunctionDef):
      found[node.name] = node.lineno
    elif isinstance(node, ast.ClassDef):
      found[node.name] = node.lineno
      methods = (inner for inner in node.body if isinstance(inner, ast.FunctionDef))
      found |= {f'{node.name}::{inner.name}': inner.lineno for inner in methods}
  return found


def problem(target):
  """What is wrong with a target, in words, or None."""
  path, _, name = target.partition('::')
  lines = lines_of(path) if path.startswith('tests/') else None
  if lines is None:
    return f'there is no file {path}'
  if name and name.partition('[')[0] not in lines:
    return f'{path} has no {name.partition("[")[0]}'
  return None


def source_page(path):
  """The HTML of a file's source, with anchors at its lines."""
  formatter = HtmlFormatter(lineanchors='line', linenos=False, cssclass='highlight source')
  return pygments.highlight((ROOT / path).read_text(encoding='utf-8'), PythonLexer(), formatter)


class TestRole(SphinxRole):
  """Reads the role."""

  def run(self):
    wrong = problem(self.text)
    if wrong:
      logging.getLogger(__name__).warning(
        '{test}`%s`: %s', self.text, wrong, location=self.env.docname
      )
    link = test_link(target=self.text)
    link += nodes.literal(text=self.text)
    if not wrong:
      sources = getattr(self.env, 'tested_sources', None) or set()
      self.env.tested_sources = sources | {self.text.partition('::')[0]}
    return [link], []


def _visit_html(self, node):
  path, _, name = node['target'].partition('::')
  line = (lines_of(path) or {}).get(name.partition('[')[0])
  here = self.builder.current_docname
  uri = self.builder.get_relative_uri(here, _page(path)) + (f'#line-{line}' if line else '')
  self.body.append(f'<a class="reference internal" href="{uri}">')


def _page(path):
  return '_tests/' + path.removeprefix('tests/').removesuffix('.py')


def _collect(app):
  for path in sorted(getattr(app.env, 'tested_sources', None) or ()):
    body = f'<h1>{path}</h1>\n{source_page(path)}'
    yield _page(path), {'title': path, 'body': body}, 'page.html'


def _merge(app, env, docnames, other):
  ours = getattr(env, 'tested_sources', None) or set()
  env.tested_sources = ours | (getattr(other, 'tested_sources', None) or set())


def setup(app):
  silent = (lambda self, node: None, lambda self, node: None)
  html = (_visit_html, lambda self, node: self.body.append('</a>'))
  app.add_node(test_link, html=html, text=silent, latex=silent, man=silent, texinfo=silent)
  app.add_role('test', TestRole())
  app.connect('html-collect-pages', _collect)
  app.connect('env-merge-info', _merge)
  return {'parallel_read_safe': True, 'parallel_write_safe': True, 'env_version': 1}
