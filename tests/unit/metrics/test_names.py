"""The names of the package."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

from jaxgan import metrics


def test_every_public_function_is_a_name_of_the_package():
  for module in pkgutil.iter_modules(metrics.__path__):
    loaded = importlib.import_module(f'jaxgan.metrics.{module.name}')
    for name, function in inspect.getmembers(loaded, inspect.isfunction):
      public = function.__module__ == loaded.__name__ and not name.startswith('_')
      if public and module.name != 'checks':
        assert name in metrics.__all__, f'{module.name}.{name}'


def test_names_need_neither_jax_nor_scikit_learn():
  code = 'import sys, jaxgan.metrics; sys.exit("jax" in sys.modules or "sklearn" in sys.modules)'
  assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
