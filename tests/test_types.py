"""Public functions name the types of their arguments and results.

Ruff's rule on arguments has no exception for private functions, which are free here.
"""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = {
  str(path.relative_to(ROOT)): path.read_text(encoding='utf-8')
  for folder in ('jaxgan', 'data_prep')
  for path in sorted((ROOT / folder).rglob('*.py'))
}
BLOCKS = (ast.If, ast.Try, ast.With)


def untyped(source):
  """Returns 'line: name' of each public function with a missing type."""
  return [f'{f.lineno}: {f.name}' for f in _public(ast.parse(source)) if not _is_typed(f)]


def _public(node):
  """Yields the public functions of a module and the public methods of its public classes."""
  for child in ast.iter_child_nodes(node):
    if isinstance(child, ast.FunctionDef) and not child.name.startswith('_'):
      yield child
    elif isinstance(child, BLOCKS) or (
      isinstance(child, ast.ClassDef) and not child.name.startswith('_')
    ):
      yield from _public(child)


def _is_typed(function):
  given = function.args
  arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
  named = [a for a in arguments if a and a.arg not in ('self', 'cls') and a.arg[0] != '_']
  return function.returns is not None and all(argument.annotation for argument in named)


@pytest.mark.parametrize('path', SOURCES)
def test_public_functions_are_typed(path):
  assert untyped(SOURCES[path]) == []


def test_the_rule_sees_a_missing_type():
  source = (
    'def f(x): ...\ndef g(x: int): ...\ndef h(x: int, *_) -> int: ...\ndef _p(x): ...\n'
    'class A:\n  def m(self, x) -> int: ...\n  def n(self) -> int:\n    def inner(x): ...\n'
  )
  assert untyped(source) == ['1: f', '2: g', '6: m']
