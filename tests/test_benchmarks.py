"""The benchmark runs from its command line to its JSON file, at a tiny size and without PyTorch."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


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
    'out': out,
  }
  command = [sys.executable, '-m', 'benchmarks.step_time', '--notorch']
  command += [f'--{name}={value}' for name, value in flags.items()]
  printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
  results = json.loads(out.read_text())
  assert results['jax_ms_per_step'] > 0
  assert len(results['jax_ms_all']) == 2
  assert results['torch_ms_per_step'] is None
  assert 'ms/step' in printed
  assert 'torch' not in printed
