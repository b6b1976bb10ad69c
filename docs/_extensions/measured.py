"""The role {measured}`FILE::KEY/KEY::FORMAT`: a number from a JSON file in experiments/results.

    A step takes {measured}`step_time_cpu.json::jax_ms_per_step::.0f` ms.

KEY may be the number of an item in a list. A file, key or format that does not fit is a warning,
which fails the build.
"""

import json
import pathlib

RESULTS = pathlib.Path(__file__).resolve().parents[2] / 'experiments' / 'results'


def value(text):
  """Returns the formatted number that the text of a role names.

  Raises:
    ValueError: it names no number; says why.
  """
  try:
    file, keys, form = text.split('::')
    found = json.loads((RESULTS / file).read_text(encoding='utf-8'))
    for key in keys.split('/'):
      found = found[int(key) if isinstance(found, list) else key]
    return format(found, form)
  except (OSError, LookupError, TypeError, ValueError) as error:
    raise ValueError(f'{text}: {type(error).__name__}: {error}') from error


def role(name, rawtext, text, lineno, inliner, options=None, content=()):
  """Returns the number as text; see docutils' roles."""
  from docutils import nodes  # Tests read `value` without docutils.

  try:
    return [nodes.Text(value(text))], []
  except ValueError as error:
    return [nodes.literal(text=text)], [inliner.reporter.warning(f'{name} {error}', line=lineno)]


def setup(app):
  """Registers the role."""
  app.add_role('measured', role)
  return {'parallel_read_safe': True, 'parallel_write_safe': True}
