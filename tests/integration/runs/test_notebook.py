"""The cells of the notebook run in order on a finished run."""

import ast
import importlib
import json
from pathlib import Path
import shutil

import matplotlib
import numpy as np

import jaxgan
from jaxgan.training import classifiers

NOTEBOOK = Path(__file__).parents[3] / 'docs' / 'quickstart.ipynb'


def _code():
  cells = json.loads(NOTEBOOK.read_text(encoding='utf-8'))['cells']
  return [''.join(cell['source']) for cell in cells if cell['cell_type'] == 'code']


def test_what_a_cell_imports_exists():
  """Also if a finished run is loaded instead of trained."""
  nodes = [node for cell in _code()[1:] for node in ast.walk(ast.parse(cell))]
  for node in nodes:
    if isinstance(node, ast.ImportFrom):
      module = importlib.import_module(node.module)
      for alias in node.names:
        if not hasattr(module, alias.name):
          importlib.import_module(f'{node.module}.{alias.name}')
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == 'jaxgan':
      assert hasattr(jaxgan, node.attr)


def test_every_cell_runs(finished, stand_in_data, tmp_path, monkeypatch, capsys):
  del stand_in_data
  shutil.copytree(finished[0], tmp_path / 'runs' / 'fashion_lt')
  monkeypatch.chdir(tmp_path)
  matplotlib.use('Agg')
  # Two steps of training make images of one class only: here each is as frequent as the others.
  label = lambda variables, images: (np.arange(len(images)) % 3, None)  # noqa: E731
  monkeypatch.setattr(classifiers, 'compile_classify', lambda classify: label)
  install, *code = _code()
  assert '%pip install' in install
  names = {}
  for cell in code:
    exec(compile(cell, NOTEBOOK.name, 'exec'), names)  # It is ours.
  assert names['images'].shape == (60, 8, 8, 1)
  assert 'KL from uniform' in capsys.readouterr().out
  assert (tmp_path / 'fashion_topped_up' / 'export.json').exists()
