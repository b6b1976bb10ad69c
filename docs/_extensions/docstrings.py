"""Docstrings as reStructuredText.

The docstrings of jaxgan are Google style, with `name` for code and Markdown's tables. In formulas
outside of backquotes, such as |x| or a * b, a character means itself.
"""

import re

_CODE = re.compile(r'(`[^`]*`)')
_RULE = re.compile(r'^\|[-:| ]+\|$')


def as_rst(lines):
  """The lines of a docstring, with its formulas escaped and its tables as list tables."""
  found, table = [], []
  for line, is_code in [*_with_code_marked(lines), ('', True)]:
    if not is_code and line.lstrip().startswith('|') and line.rstrip().endswith('|'):
      table.append(line)
      continue
    if table:
      found += list_table(table)
      table = []
    found.append(line if is_code else _escaped(line))
  return found[:-1]


def _with_code_marked(lines):
  """Yields each line and whether it is code; an indented block is a literal block.

  The text of a section such as Args is indented, too, but no empty line is before it.
  """
  last, before, in_block = '', '', False
  for line in lines:
    is_indented = line.startswith(' ')
    if is_indented and last and not before and not last.startswith((' ', '|')):
      yield '::', True
      yield '', True
      in_block = True
    in_block = in_block and (is_indented or not line)
    yield line, in_block or line.lstrip().startswith(('>>>', '...', '.. ', '* '))
    last, before = line or last, line


def list_table(lines):
  """A Markdown table as a list-table."""
  indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
  rows = [line.strip() for line in lines]
  header = len(rows) > 1 and _RULE.match(rows[1])
  rows = [row for row in rows if not _RULE.match(row)]
  found = ['', '.. list-table::', *(['   :header-rows: 1'] if header else []), '']
  for row in rows:
    cells = [_escaped(cell.strip()) for cell in re.split(r' \| ', row[1:-1])]
    found += [f'   {"* -" if n == 0 else "  -"} {cell}'.rstrip() for n, cell in enumerate(cells)]
  return [(indent + line).rstrip() for line in [*found, '']]


def _escaped(line):
  line = re.sub(r'(^\s*|: )([A-Za-z])\.$', r'\1\2\\.', line)  # 'num_classes: K.' is no list.
  parts = _CODE.split(line)
  parts[::2] = [re.sub(r'(?<!\\)[|*]', r'\\\g<0>', part) for part in parts[::2]]
  return re.sub(r'(`[^`]*`)(?=\w)', r'\1\\ ', ''.join(parts))  # Such as `Row`s.


def _process(app, what, name, obj, options, lines):
  lines[:] = as_rst(lines)


def _sign(app, what, name, obj, options, signature, annotation):
  # The fields of a section are in configuration.md, one by one.
  return ('', None) if what == 'class' and hasattr(obj, 'model_fields') else None


def _skip(app, what, name, obj, skip, options):
  # The docstring of a NamedTuple has its fields; pydantic adds `model_config`, classes name JAX.
  is_field = str(getattr(obj, '__doc__', '')).startswith('Alias for field number')
  is_outside = name == 'model_config' or str(getattr(obj, '__module__', '')).startswith('jax.')
  return True if is_field or is_outside else None


def _set_dashes(app, document):
  from docutils import nodes  # The tests of `as_rst` do without Sphinx.

  for text in list(document.findall(nodes.Text)):
    if text == ' -- ':  # Of Sphinx, between a parameter and its meaning.
      text.parent.replace(text, nodes.Text(' – '))


def setup(app):
  app.connect('autodoc-process-docstring', _process, priority=100)  # Before napoleon.
  app.connect('autodoc-skip-member', _skip)
  app.connect('autodoc-process-signature', _sign)
  app.connect('doctree-read', _set_dashes)
  return {'parallel_read_safe': True, 'parallel_write_safe': True}
