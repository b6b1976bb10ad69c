"""Sources of Python files as pages of the site, and links to them.

The role {test}`tests/unit/losses/test_x.py::test_name` links to the source of a test. A test that
does not exist is a warning, which fails the build. A Markdown link to a Python file, such as
[the loss](../jaxgan/losses/lecam.py), leads to a page, too, not to a download.
"""

import os

from docutils import nodes
import pygments
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
import source_files
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole


class source_link(nodes.Inline, nodes.TextElement):
  """A link to the source of a file or function: `target` is FILE or FILE::FUNCTION."""


class TestRole(SphinxRole):
  """Reads the role {test}."""

  def run(self):
    wrong = source_files.problem(self.text)
    if wrong:
      place = (self.env.docname, self.lineno)
      logging.getLogger(__name__).warning('{test}`%s`: %s', self.text, wrong, location=place)
      return [nodes.literal(text=self.text)], []
    link = source_link('', '', nodes.literal(text=self.text), target=self.text)
    return [link], []


class PythonLinks(SphinxTransform):
  """Makes links to Python files links to their pages."""

  default_priority = 400

  def apply(self, **arguments):
    folder = os.path.dirname(os.path.join('docs', self.env.docname))
    for node in list(self.document.findall(addnodes.download_reference)):
      path = os.path.normpath(os.path.join(folder, node['reftarget']))
      if path.endswith('.py') and source_files.lines_of(path) is not None:
        node.replace_self(source_link('', '', *node.children, target=path))


class Remember(SphinxTransform):
  """Remembers which files a page links to."""

  default_priority = 900

  def apply(self, **arguments):
    links = self.document.findall(source_link)
    paths = {source_files.split(link['target'])[0] for link in links}
    self.env.metadata[self.env.docname]['sources'] = ' '.join(sorted(paths))


def page_of(path):
  """The name of the page with the source of a file."""
  return '_sources_of/' + path.removesuffix('.py')


def _visit_html(self, node):
  path, name = source_files.split(node['target'])
  uri = self.builder.get_relative_uri(self.builder.current_docname, page_of(path))
  anchor = f'#line-{source_files.lines_of(path)[name]}' if name else ''
  self.body.append(f'<a class="reference internal" href="{uri}{anchor}">')


def _collect(app):
  linked = (metadata.get('sources', '') for metadata in app.env.metadata.values())
  for path in sorted({path for paths in linked for path in paths.split()}):
    text = (source_files.ROOT / path).read_text(encoding='utf-8')
    formatter = HtmlFormatter(lineanchors='line', cssclass='highlight')
    body = f'<h1>{path}</h1>\n{pygments.highlight(text, PythonLexer(), formatter)}'
    yield page_of(path), {'title': path, 'body': body}, 'page.html'


def setup(app):
  nothing = (lambda self, node: None, lambda self, node: None)
  html = (_visit_html, lambda self, node: self.body.append('</a>'))
  app.add_node(source_link, html=html, text=nothing, latex=nothing, man=nothing, texinfo=nothing)
  app.add_role('test', TestRole())
  app.add_transform(PythonLinks)
  app.add_transform(Remember)
  app.connect('html-collect-pages', _collect)
  return {'parallel_read_safe': True, 'parallel_write_safe': True}
