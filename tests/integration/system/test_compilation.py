"""Compilation in fresh processes: correct reductions, and a cache of small programs."""

import os
import pathlib
import subprocess
import sys

_REDUCTION = """
import jax, jax.numpy as jnp, numpy as np
from jaxgan.system.compilation import jit
matrix = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)), jnp.float32)
function = jit(lambda x: jnp.sum(jax.vmap(lambda v: matrix @ v)(x) ** 2, axis=-1))
for rows in (32_768, 32_769, 40_000, 65_536, 65_537):
  x = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
  expected = np.sum((x.astype(np.float64) @ np.asarray(matrix, np.float64).T) ** 2, axis=-1)
  np.testing.assert_allclose(function(x), expected, rtol=1e-4, atol=1e-4)
"""


def test_reductions_are_correct():
  """A product and a sum of squares of 32,769 to 65,536 rows: wrong with YNNPACK's reductions.

  A separate process optimises as a user's does.
  """
  environment = {k: v for k, v in os.environ.items() if k != 'XLA_FLAGS'}
  root = pathlib.Path(__file__).resolve().parents[3]
  environment['JAX_PLATFORMS'] = 'cpu'
  result = subprocess.run(
    [sys.executable, '-c', _REDUCTION], cwd=root, env=environment, capture_output=True, text=True
  )
  assert result.returncode == 0, result.stderr


def test_small_programs_are_cached(tmp_path):
  code = (
    'from jaxgan.system import compilation; compilation.use_cache(); compilation.jit(abs)(-1.0)'
  )
  environment = {k: v for k, v in os.environ.items() if k != 'JAX_COMPILATION_CACHE_DIR'}
  environment |= {'XDG_CACHE_HOME': str(tmp_path), 'JAX_PLATFORMS': 'cpu'}
  root = pathlib.Path(__file__).resolve().parents[3]
  result = subprocess.run(
    [sys.executable, '-c', code], cwd=root, env=environment, capture_output=True, check=True
  )
  assert result.stderr == b''
  assert any('jit_abs' in path.name for path in (tmp_path / 'jaxgan').iterdir())
