"""The public names of `jaxgan.metrics`."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

from jaxgan import metrics


def test_the_package_exports_every_public_function():
  for module in pkgutil.iter_modules(metrics.__path__):
    loaded = importlib.import_module(f'jaxgan.metrics.{module.name}')
    for name, function in inspect.getmembers(loaded, inspect.isfunction):
      public = function.__module__ == loaded.__name__ and not name.startswith('_')
      if public and module.name != 'checks':
        assert name in metrics.__all__, f'{module.name}.{name}'


def test_import_loads_neither_jax_nor_scikit_learn():
  code = 'import sys, jaxgan.metrics; sys.exit("jax" in sys.modules or "sklearn" in sys.modules)'
  assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
