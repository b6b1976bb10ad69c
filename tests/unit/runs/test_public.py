"""The public names of jaxgan."""

import ast
import pathlib
import pydoc
import subprocess
import sys

import pytest

import jaxgan

SOURCE = pathlib.Path(jaxgan.__file__)


def test_dir_shows_the_public_names_and_each_is_there():
  assert dir(jaxgan) == sorted(jaxgan.__all__)
  for name in jaxgan.__all__:
    assert getattr(jaxgan, name).__doc__
    assert getattr(jaxgan, name).__module__ == jaxgan._MODULES[name]


def test_type_checkers_see_the_same_names_and_modules():
  tree = ast.parse(SOURCE.read_text())
  (block,) = [node for node in tree.body if isinstance(node, ast.If)]
  seen = {alias.name: node.module for node in block.body for alias in node.names}
  assert seen == jaxgan._MODULES
  assert sorted(seen) == sorted(jaxgan.__all__)


def test_help_describes_every_name():
  text = pydoc.render_doc(jaxgan, renderer=pydoc.plaintext)
  for name in jaxgan.__all__:
    assert f'    {name}(' in text or f'class {name}(' in text


def test_an_unknown_name_is_an_attribute_error():
  with pytest.raises(AttributeError, match="module 'jaxgan' has no attribute 'no_such_name'"):
    jaxgan.no_such_name  # noqa: B018


def test_importing_jaxgan_imports_no_other_module_of_it():
  code = 'import sys, jaxgan; dir(jaxgan); print([m for m in sys.modules if m[:7] == "jaxgan."])'
  assert subprocess.check_output([sys.executable, '-c', code], text=True) == '[]\n'
