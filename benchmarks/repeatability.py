"""Tests whether a step repeats bit by bit, and measures the cost of deterministic kernels.

    python -m benchmarks.repeatability --out=repeatability.json
    python -m benchmarks.repeatability --batch_size=256 --dtype=bfloat16 --steps=50

The step is the class-balancing step of `cifar10_lt` on random images, with the flags of
`benchmarks.step_time`. The same state takes a few steps twice, and the SHA-256 of the results is
compared, with the options of `jaxgan.system.compilation` and with XLA's default options. Then both
programs are timed in turns. Start the command again with JAX_COMPILATION_CACHE_DIR set to see
whether another process computes the same bits.
"""

import hashlib
import json
import pathlib
import statistics
from typing import Any
from unittest import mock

from absl import app, flags
import jax
import numpy as np

from benchmarks import step_time
from benchmarks.timing import describe_hardware, timed
from jaxgan.system import compilation

_HASHED = flags.DEFINE_integer('hashed_steps', 10, 'Steps before the states are compared.', 1)


def digest(state: Any) -> str:
  """Hashes all leaves of a pytree in order."""
  sha = hashlib.sha256()
  for leaf in jax.tree.leaves(state):
    sha.update(np.ascontiguousarray(leaf).tobytes())
  return sha.hexdigest()[:12]


def hashes(side: Any, steps: int) -> list[str]:
  """Returns the hashes of the states after two runs of `steps` steps from the same start."""
  ends = []
  for _ in range(2):
    side.restart()
    side.run(steps)
    ends.append(digest(side.state()))
  return ends


def main(argv: list[str]) -> None:
  """Runs the benchmark."""
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  config, images, steps, repeats = step_time.from_flags()
  sides = {'jaxgan': step_time.JaxSide(config, images)}
  ends = {'jaxgan': hashes(sides['jaxgan'], _HASHED.value)}
  with mock.patch.object(compilation, 'compiler_options', return_value={}):
    sides['xla'] = step_time.JaxSide(config, images)
    ends['xla'] = hashes(sides['xla'], _HASHED.value)  # Compiles all that is timed below.
  walls = {name: [] for name in sides}
  for _ in range(repeats):
    for name, side in sides.items():
      walls[name].append(1e3 * timed(side.run, steps)[0] / steps)
  results = {
    'batch_size': config.train.batch_size, 'dtype': config.algorithm.dtype, 'steps': steps,
    'hashed_steps': _HASHED.value, 'options': compilation.compiler_options(jax.default_backend()),
  }  # fmt: skip
  for name, all_ms in walls.items():
    ms, same = statistics.median(all_ms), len(set(ends[name])) == 1
    results[name] = {'hashes': ends[name], 'same': same, 'ms_per_step': ms, 'ms_all': all_ms}
    print(f'{name:8}{ms:10.2f} ms/step   {"the same bits twice" if same else "other bits":22}')
  ratios = [ours / theirs for ours, theirs in zip(*walls.values(), strict=True)]
  results['jaxgan_over_xla'] = statistics.median(ratios)
  print(f'jaxgan / xla: {results["jaxgan_over_xla"]:.3f}')
  if step_time.OUT.value:
    out = pathlib.Path(step_time.OUT.value)
    out.write_text(json.dumps(results | describe_hardware(False), indent=2) + '\n')


if __name__ == '__main__':
  app.run(main)
