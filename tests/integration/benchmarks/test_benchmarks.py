"""The benchmarks run from command line to JSON file, at a tiny size and without PyTorch."""

import json
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import convolutions

ROOT = pathlib.Path(__file__).resolve().parents[3]


def _run(benchmark, **flags):
  """Runs a benchmark and returns its output."""
  command = [sys.executable, '-m', f'benchmarks.{benchmark}']
  command += [f'--{name}={value}' for name, value in flags.items()]
  return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_step_time_writes_its_results(tmp_path):
  out = tmp_path / 'step_time.json'
  flags = {
    'batch_size': 4,
    'steps': 1,
    'repeats': 2,
    'num_images': 9,
    'image_size': 8,
    'width': 2,
    'depth': 8,
    'torch': False,
    'out': out,
  }
  printed = _run('step_time', **flags)
  results = json.loads(out.read_text())
  assert results['jax_ms_per_step'] > 0
  assert len(results['jax_ms_all']) == 2
  assert results['torch_ms_per_step'] is None
  # The generator's dense layer alone, three forward passes' worth for a batch of 4.
  assert results['gflop_per_step'] > 3 * 2e-9 * 4 * 128 * 16 * 4
  assert min(results['product_gflop_per_s'], results['memory_gb_per_s']) > 0
  assert 'ms/step' in printed
  assert 'torch' not in printed


@pytest.mark.slow
def test_repeatability_writes_its_results(tmp_path):
  out = tmp_path / 'repeatability.json'
  sizes = {'batch_size': 4, 'num_images': 9, 'image_size': 8, 'width': 2, 'depth': 8}
  printed = _run('repeatability', steps=1, repeats=2, hashed_steps=2, out=out, **sizes)
  results = json.loads(out.read_text())
  for side in (results['jaxgan'], results['xla']):
    assert side['same']
    assert len(side['hashes'][0]) == 12
    assert len(side['ms_all']) == 2
  assert results['jaxgan_over_xla'] > 0
  assert results['options']
  assert 'the same bits twice' in printed


@pytest.mark.slow
def test_state_hashes_names_the_leaves_that_differ(tmp_path):
  out = tmp_path / 'hashes.json'
  flags = {'steps': 1, 'rows': '^joint_vae$'}
  _run('state_hashes', out=out, **flags)
  assert 'differ' not in _run('state_hashes', against=out, **flags)
  hashes = json.loads(out.read_text())
  hashes['joint_vae']['.step'] = 'other'
  out.write_text(json.dumps(hashes))
  with pytest.raises(subprocess.CalledProcessError) as error:
    _run('state_hashes', against=out, **flags)
  assert '1 of' in error.value.output
  assert "['.step']" in error.value.output


@pytest.mark.slow
def test_replicas_writes_its_results(tmp_path):
  out = tmp_path / 'replicas.json'
  flags = {'batch_size': 3, 'image_size': 8, 'replicas': 2, 'steps': 1, 'repeats': 2}
  printed = _run('replicas', torch=False, out=out, **flags)
  results = json.loads(out.read_text())
  (row,) = results['steps_of_replicas']
  assert row['replicas'] == 2
  assert list(row['ms_all']) == ['vmap', 'one_after_another']
  assert all(len(runs) == 2 and min(runs) > 0 for runs in row['ms_all'].values())
  # Dense layers, convolutions, biases, batch norms: generator, trunk, both heads; prior.
  generator = 72 * 1024 + 3 * 1024 + 1024 * 512 + 3 * 512 + 16 * 128 * 64 + 3 * 64 + 16 * 64 + 1
  trunk = 16 * 64 + 64 + 16 * 64 * 128 + 3 * 128 + 512 * 1024 + 3 * 1024
  heads = 1024 + 1 + 1024 * 128 + 3 * 128 + 128 * 10 + 10
  assert row['floor_bytes'] == 24 * (generator + trunk + heads + 10)
  np.testing.assert_allclose(results['adam_gb_per_step'], 1e-9 * row['floor_bytes'])
  convolutions = results['convolutions']
  assert [r['convolution'] for r in convolutions] == 3 * ['8x8x1 -> 64'] + 3 * ['4x4x64 -> 128']
  assert all(min(r['ms'].values()) > 0 and len(r['ms']) == 4 for r in convolutions)
  assert 'ms per replica and step' in printed
  assert 'torch' not in printed


@pytest.mark.slow
def test_streaming_writes_its_results(tmp_path):
  flags = {'images': 1000, 'batch_size': 8, 'width': 2, 'steps': 2, 'repeats': 2}
  printed = _run('streaming', folder=tmp_path, out=tmp_path / 'out.json', **flags)
  results = json.loads((tmp_path / 'out.json').read_text())
  assert results['prepare_peak_mib'] >= results['prepare_start_mib'] > 0
  assert min(results[f'{n}_ms_per_step'] for n in ('resident', 'streamed', 'stream_alone')) > 0
  assert 'images a second' in printed


@pytest.mark.slow
def test_memory_writes_its_results(tmp_path):
  flags = {'config.annotator.train.epochs': 1, 'config.cas.train.epochs': 1}
  flags |= {'config.train.log_every': 10, 'config.evaluation.samples': 64}
  printed = _run('memory', steps=100, out=tmp_path / 'out.json', **flags)
  results = json.loads((tmp_path / 'out.json').read_text())
  assert results['rows']
  assert results['growth_mib'].keys() == {'resident', 'arrays'}
  assert (tmp_path / 'out.png').read_bytes().startswith(b'\x89PNG')
  assert 'MiB since the second tenth' in printed


def test_the_convolutions_compute_the_same():
  rngs = jax.random.split(jax.random.key(0), 3)
  shapes = (2, 3, 4, 4, 5), (2, 4, 4, 5, 6), (2, 3, 2, 2, 6)
  arrays = [jax.random.normal(rng, shape) for rng, shape in zip(rngs, shapes, strict=True)]
  forms = convolutions.forms()
  for name, function in forms['vmap'].items():
    expected = function(*arrays)
    for maps in forms.values():
      ours = jnp.asarray(maps[name](*arrays))
      np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)
