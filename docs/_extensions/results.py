"""Directives that show stored and published results as tables.

    ```{results} fashion_lt
    :columns: kl_from_uniform, frechet_annotator, cas
    :rows: unconditional, class_balancing
    :only: *_seed0
    :published:
    ```

    ```{published} class_balancing
    ```

    ```{differences} elastic_infogan
    ```

{results} reads a folder of experiments/results: a row for each method or setting, its mean and
standard deviation over seeds and splits, below it the protocol. `rows` chooses rows, `only` files.
With `published` the paper's values stand beside them. A page that names a folder, row or measure
that does not exist fails the build.
"""

from typing import ClassVar

from docutils.parsers.rst import directives
import result_tables
from sphinx.util.docutils import SphinxDirective

TABLES = {
  'published': result_tables.published_table,
  'differences': result_tables.differences_table,
}


def _names(argument):
  return tuple(name.strip() for name in argument.split(','))


class _Directive(SphinxDirective):
  required_arguments = 1

  def text(self, name: str) -> str:
    """The Markdown of a name, the argument."""
    raise NotImplementedError

  def run(self):
    """Parses the table as Markdown of the page."""
    try:
      text = self.text(self.arguments[0])
    except (KeyError, ValueError) as error:
      raise self.error(f'{self.name} {self.arguments[0]}: {error}') from error
    return self.parse_text_to_nodes(text)


class Results(_Directive):
  """The table of a folder of experiments/results."""

  option_spec: ClassVar = {
    'columns': _names,
    'rows': _names,
    'only': directives.unchanged,
    'published': directives.flag,
  }

  def text(self, name):
    """The Markdown: the table and its protocol."""
    only, rows = self.options.get('only', '*'), self.options.get('rows', ())
    published = 'published' in self.options
    table = result_tables.results_table(name, self.options['columns'], only, rows, published)
    protocol = result_tables.protocol(name, only, rows)
    return f'{table}\n\n{protocol} Question and answer: [`{name}`](/results/{name}.md).'


class Fixed(_Directive):
  """A table of TABLES."""

  def text(self, name):
    """The Markdown."""
    return TABLES[self.name](name)


def setup(app):
  """Registers the directives."""
  app.add_directive('results', Results)
  for name in TABLES:
    app.add_directive(name, Fixed)
  return {'parallel_read_safe': True, 'parallel_write_safe': True}
