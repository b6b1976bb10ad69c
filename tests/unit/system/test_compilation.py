"""Compiler options, and the location of the compilation cache."""

import os
import pathlib

import jax
import jax.numpy as jnp
import pytest

from jaxgan.system import compilation

DIRECTORY, SECONDS = 'jax_compilation_cache_dir', 'jax_persistent_cache_min_compile_time_secs'


def test_options_unknown_to_jaxlib_are_left_out(monkeypatch):
  known = {'xla_cpu_enable_fast_math': False}
  unknown = {'xla_cpu_no_such_option': True, 'xla_cpu_prefer_vector_width': 'wide'}
  monkeypatch.setitem(compilation._OPTIONS, 'cpu', known | unknown)
  compilation.compiler_options.cache_clear()
  try:
    assert compilation.compiler_options('cpu') == known
    assert float(compilation.jit(lambda x: x + 1)(1.0)) == 2.0
    assert compilation.compiler_options('tpu') == {}
  finally:
    compilation.compiler_options.cache_clear()


def test_the_options_reach_the_compiler(monkeypatch):
  """An unknown option stops the compilation."""
  monkeypatch.setattr(compilation, 'compiler_options', lambda _: {'xla_cpu_no_such_option': True})
  with pytest.raises(jax.errors.JaxRuntimeError, match='xla_cpu_no_such_option'):
    compilation.jit(lambda x: x + 1)(1.0)


@pytest.fixture
def settings(monkeypatch, tmp_path):
  """No cache chosen and a temporary cache home; restores the settings afterwards."""
  before = {name: getattr(jax.config, name) for name in (DIRECTORY, SECONDS)}
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  jax.config.update(DIRECTORY, None)
  yield lambda: getattr(jax.config, DIRECTORY)
  for name, value in before.items():
    jax.config.update(name, value)


def test_cache_folder_follows_xdg(monkeypatch, tmp_path):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  assert compilation.cache_folder() == tmp_path / 'jaxgan'
  monkeypatch.delenv('XDG_CACHE_HOME')
  assert compilation.cache_folder() == pathlib.Path.home() / '.cache' / 'jaxgan'


def test_the_cache_is_used(settings, tmp_path):
  compilation.use_cache()
  assert settings() == str(tmp_path / 'jaxgan')
  assert (tmp_path / 'jaxgan').is_dir()


def test_a_configured_cache_takes_precedence(settings, tmp_path):
  jax.config.update(DIRECTORY, 'elsewhere')
  compilation.use_cache()
  assert settings() == 'elsewhere'
  assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('in_the_way', ['jaxgan', '.'])
def test_an_unwritable_folder_leaves_jax_without_a_cache(
  settings, tmp_path, monkeypatch, capfd, in_the_way
):
  if in_the_way == '.':
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
  else:
    (tmp_path / in_the_way).write_text('a file')
  compilation.use_cache()
  assert settings() is None
  assert capfd.readouterr().err == f'no compilation cache: cannot write to {tmp_path / "jaxgan"}\n'


def test_traced_once_traces_once_and_is_inlined():
  traces = []

  @compilation.traced_once
  def double(x):
    traces.append(x)
    return 2 * x

  assert jax.eval_shape(double, jnp.zeros(3)).shape == (3,)
  program = jax.jit(lambda x: double(x) + 1).lower(jnp.zeros(3)).as_text()
  assert len(traces) == 1
  assert 'stablehlo.multiply' in program
  assert 'call' not in program
