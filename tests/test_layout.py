"""The rooms of the package: which may import which, and what every program goes through."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

from jaxgan.config import identity
from tests.support import stand_in
from tests.support.rooms import LATE, MAY_BE_LATE, PLACES, ROOMS, STARTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAMILIES = 'jaxgan.runs.families'
READERS = ('json', 'os', 'io', 'pathlib', 'shutil', 'tempfile', 'urllib', 'zipfile', 'data_prep')
# Rooms of pure functions: what they need, they are given.
PURE = ('losses', 'metrics', 'networks', 'algorithms')
# The network whose weights are looked for in files, and their format.
READ_WEIGHTS = ('jaxgan.networks.inception', 'jaxgan.networks.torch_file')


def _name(path):
  parts = path.relative_to(ROOT).with_suffix('').parts
  return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def _sources(*folders):
  paths = [path for folder in folders for path in sorted((ROOT / folder).rglob('*.py'))]
  return {_name(path): path.read_text() for path in paths}


SOURCES = _sources('jaxgan')
HOUSE = _sources('jaxgan', 'data_prep')


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _imports(source):
  """The modules that a source imports, wherever it does."""
  return _imported_by(ast.walk(ast.parse(source)))


def _imported_by(nodes):
  names = set()
  for node in nodes:
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      origin = '.' * node.level + (node.module or '')
      inside = {f'{origin}.{alias.name}' for alias in node.names}
      # `from package import a_module` is not an import of the package's own names.
      names |= inside if inside <= set(HOUSE) else (inside & set(HOUSE)) | {origin}
  return names


def _family(module):
  """The family that a module belongs to, or None."""
  parts = module.split('.')
  return parts[3] if module.startswith(f'{FAMILIES}.') else None


def wrong_imports(module, source):
  """What a module imports against the rules that are not about the order of rooms."""
  wrong = set()
  for name in _imports(source):
    if name.startswith('.'):
      wrong.add(name)  # Absolute names say which room a module is from.
    # The core asks the registry for families; a family knows no other one.
    if module != FAMILIES and _family(name) not in (None, _family(module)):
      wrong.add(name)
    reads = name.split('.')[0] in READERS and module not in READ_WEIGHTS
    if reads and room(module) in PURE:
      wrong.add(name)
  return sorted(wrong)


def room(module):
  """Returns the room of a module: the innermost name in `PLACES`, or else its folder."""
  *outer, last = module.split('.')
  if module in PLACES:
    return PLACES[module]
  if outer in ([], ['jaxgan']):
    return last
  return room('.'.join(outer))


def upward_imports(module, source):
  """The modules that a module imports from rooms after its own."""
  own = ROOMS.index(room(module))
  return {name for name in _imports(source) & set(HOUSE) if ROOMS.index(room(name)) > own}


def late_imports(module, source):
  """What the functions of a module import that may not be imported late."""
  functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]
  names = _imported_by(node for function in functions for node in ast.walk(function))
  late = {*MAY_BE_LATE, 'jaxgan'} if module in STARTS else set(MAY_BE_LATE)
  return {name for name in names if not late & set(_packages(name))}


def _packages(name):
  """A module and the packages that it is in."""
  parts = name.split('.')
  return ['.'.join(parts[: n + 1]) for n in range(len(parts))]


def long_functions(source):
  """The functions of more than 60 lines, docstrings included."""
  nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]
  return {node.name for node in nodes if node.end_lineno - node.lineno >= 60}


def own_jits(source):
  """The lines that use another `jit` than `jaxgan.system.compilation.jit`."""
  lines = []
  for node in ast.walk(ast.parse(source)):
    if isinstance(node, ast.Attribute) and node.attr == 'jit':
      ours = isinstance(node.value, ast.Name) and node.value.id == 'compilation'
      lines += [] if ours else [node.lineno]
    elif isinstance(node, ast.ImportFrom) and node.module == 'jax':
      lines += [node.lineno for alias in node.names if alias.name == 'jit']
  return lines


@pytest.mark.parametrize('module', SOURCES)
def test_modules_import_what_their_room_may(module):
  assert wrong_imports(module, SOURCES[module]) == []


@pytest.mark.parametrize('module', HOUSE)
def test_imports_go_up_the_list_of_rooms(module):
  assert upward_imports(module, HOUSE[module]) == set()


TESTS = _sources('tests')
EXPERIMENTS = _sources('experiments')
WRITTEN = HOUSE | EXPERIMENTS | TESTS


@pytest.mark.parametrize('module', WRITTEN)
def test_files_and_functions_are_short(module):
  assert len(WRITTEN[module].splitlines()) <= 400
  assert long_functions(WRITTEN[module]) == set()


@pytest.mark.parametrize('module', HOUSE | EXPERIMENTS)
def test_imports_are_at_the_top(module):
  assert late_imports(module, WRITTEN[module]) == set(LATE.get(module, ()))


def test_the_rule_sees_a_late_import():
  source = (
    'import jax\nif True:\n  import numpy\ndef f():\n  import scipy.io\n  import scipy.stats\n'
  )
  assert late_imports('jaxgan.losses.lecam', source) == {'scipy.stats'}
  source = 'class A:\n  def f(self):\n    from jaxgan.runs import run'
  assert late_imports('jaxgan.runs.sampling', source) == {'jaxgan.runs.run'}
  assert late_imports('jaxgan.main', source) == set()


def test_exceptions_and_places_are_of_modules_that_there_are():
  assert set(LATE) <= set(WRITTEN)
  assert set(PLACES) <= set(HOUSE)


def unescaped_alternatives(source):
  """Lines whose `match=` has alternatives outside of a group: the shorter one matches too much."""
  keywords = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.keyword)]
  patterns = [node.value for node in keywords if node.arg == 'match']
  texts = [value for value in patterns if isinstance(value, ast.Constant)]
  return [text.lineno for text in texts if '|' in re.sub(r'\\.|\(.*?\)', '', text.value)]


@pytest.mark.parametrize('module', TESTS)
def test_patterns_of_errors_escape_what_is_no_alternative(module):
  assert unescaped_alternatives(TESTS[module]) == []


def test_the_rule_sees_an_alternative():
  source = "raises(E, match='one of <a|b>')\nraises(E, match=r'a\\|b')\nraises(E, match='(a|b)')"
  assert unescaped_alternatives(source) == [1]


def test_the_rules_see_a_room_after_the_own_and_a_long_function():
  source = (
    'if True:\n  from jaxgan.report import rows\n'
    'from jaxgan.algorithms import priors\nfrom jaxgan.runs import run'
  )
  assert upward_imports('jaxgan.losses.lecam', source) == {
    'jaxgan.report.rows', 'jaxgan.algorithms.priors', 'jaxgan.runs.run',
  }  # fmt: skip
  assert upward_imports('jaxgan.runs.run', source) == set()
  assert long_functions('def f():\n' + '  x = 1\n' * 60) == {'f'}
  assert long_functions('def f():\n' + '  x = 1\n' * 59) == set()


@pytest.mark.parametrize(
  'module', [name for name in SOURCES if name != 'jaxgan.system.compilation']
)
def test_every_program_is_compiled_in_one_way(module):
  assert own_jits(SOURCES[module]) == []


CODES, BALANCING = f'{FAMILIES}.codes', f'{FAMILIES}.class_balancing'


@pytest.mark.parametrize(
  ('module', 'source', 'wrong'),
  [
    ('jaxgan.runs.execute', f'from {FAMILIES} import codes', CODES),
    ('jaxgan.report.rows', f'import {CODES}', CODES),
    (CODES, f'def f():\n  from {BALANCING} import build', BALANCING),
    ('jaxgan.losses.contrastive', 'import json', 'json'),
    ('jaxgan.metrics.fid', 'import pathlib', 'pathlib'),
    ('jaxgan.algorithms.gan', 'from data_prep import build', 'data_prep.build'),
    ('jaxgan.training.loop', 'from .step import make_step', '.step'),
  ],
)
def test_the_rules_see_wrong_imports(module, source, wrong):
  assert wrong_imports(module, source) == [wrong]


@pytest.mark.parametrize(
  ('module', 'source'),
  [
    ('jaxgan.runs.execute', f'from jaxgan.runs import families\nfrom {FAMILIES} import family_of'),
    (FAMILIES, f'from {FAMILIES} import codes'),
    ('jaxgan.networks.inception', 'import pathlib'),
    ('jaxgan.losses.contrastive', 'import jax\nfrom jaxgan.algorithms import priors'),
  ],
)
def test_the_rules_allow_the_others(module, source):
  assert wrong_imports(module, source) == []


def test_the_rule_sees_every_form_of_jit():
  source = '"""jax.jit"""\nfrom jax import jit\n@jax.jit\ndef f(x): ...\ng = compilation.jit(f)'
  assert sorted(own_jits(source)) == [2, 3]
  assert own_jits('functools.partial(jax.jit, f)') == [1]


# Packages that only drawing, training and loading data need.
HEAVY = ('matplotlib', 'PIL', 'tensorflow_datasets', 'sklearn', 'orbax')


def test_reading_results_imports_nothing_heavy(tmp_path):
  """The families, a run's configuration and metrics, the text of a report."""
  run = tmp_path / 'run' / 'class_balancing'
  identity.remember(run, stand_in.tiny(small_networks=False))
  (run / 'metrics.jsonl').write_text('{"step": 2}\n')
  code = f"""
import sys
import jaxgan
print(*(name for name in ('jax', 'numpy') if name in sys.modules))
import jaxgan.runs.families, jaxgan.report
from jaxgan.training import logging
from tests.support.evaluations import CLASS_BALANCE, CODES, save

folder = {str(tmp_path)!r}
logging.read_metrics(folder)
for method in jaxgan.runs.families.all_methods():
  assert jaxgan.runs.families.family_of([method]).title
for evaluation in (CLASS_BALANCE, CODES):
  save(jaxgan.report.Path(folder, evaluation['method']), evaluation)
assert 'Table 4' in jaxgan.report.report([folder], jaxgan.runs.families.FAMILIES)
run = jaxgan.load(folder + '/run')
assert [row['step'] for row in run.metrics] == [2]
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
  command = [sys.executable, '-c', code]
  result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
  assert (result.stdout.strip(), result.returncode) == ('', 0), result.stderr
