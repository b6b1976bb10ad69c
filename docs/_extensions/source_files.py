"""Python files of the repository, and the functions and classes in them."""

import ast
import functools
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def lines_of(path):
  """{function, class or Class::method: its line} of a file; None where there is no such file."""
  try:
    tree = ast.parse((ROOT / path).read_text(encoding='utf-8'))
  except OSError:
    return None
  found = {}
  for node in tree.body:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
      found[node.name] = node.lineno
    if isinstance(node, ast.ClassDef):
      methods = (inner for inner in node.body if isinstance(inner, ast.FunctionDef))
      found |= {f'{node.name}::{method.name}': method.lineno for method in methods}
  return found


def split(target):
  """The file and the function of FILE::FUNCTION or FILE; parameters in brackets are left out."""
  path, _, name = target.partition('::')
  return path, name.partition('[')[0]


def problem(target):
  """What is wrong with the name of a test, in words, or None."""
  path, name = split(target)
  lines = lines_of(path) if path.startswith('tests/') else None
  if lines is None:
    return f'there is no file {path} of tests'
  return f'{path} has no {name}' if name and name not in lines else None
