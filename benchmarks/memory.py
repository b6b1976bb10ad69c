"""Measures the memory of host and device over a long run, which should stay flat once compiled.

    python -m benchmarks.memory --out=memory.json
    python -m benchmarks.memory --config=experiments/cifar10_lt.py --steps=20000 --out=memory.json

Trains the first method of an experiment in a temporary work directory, with its evaluations,
pictures and checkpoints, and measures the process every second: its resident memory, the bytes of
all live arrays and, on accelerators, the bytes in use. Writes JSON and a picture beside it.
"""

from collections.abc import Mapping, Sequence
import json
import pathlib
import sys
import tempfile
import threading
from typing import Any

from absl import app, flags
from absl import logging as absl_logging
import jax
import numpy as np

from benchmarks.timing import describe_hardware
from jaxgan.config.overrides import changed
from jaxgan.report import figures
from jaxgan.runs import execute, experiment_file
from jaxgan.training import logging

flags.DEFINE_string('config', 'experiments/fashion_lt.py', 'Experiment file.')
_STEPS = flags.DEFINE_integer('steps', 10_000, 'Length of the run.', 100)
_OUT = flags.DEFINE_string(
  'out', 'memory.json', 'JSON file for the results; the picture beside it.'
)
_MIB = 2**20


def look() -> dict:
  """Returns the current memory of this process, in MiB."""
  pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
  held = {
    'resident': pages * 4096 / _MIB,
    'arrays': sum(array.nbytes for array in jax.live_arrays()) / _MIB,
  }
  stats = jax.local_devices()[0].memory_stats()
  return held | ({'device': stats['bytes_in_use'] / _MIB} if stats else {})


def watch(folder: pathlib.Path, rows: list, done: threading.Event) -> None:
  """Appends the memory and the last logged step of a run to `rows`, every second."""
  while not done.wait(1.0):
    metrics = logging.read_metrics(folder)
    if metrics:
      rows.append({'step': metrics[-1]['step'], **look()})


def growth(rows: Sequence[Mapping[str, Any]], name: str) -> float:
  """Returns the growth in MiB from the second to the last tenth of a run, by medians."""
  values = np.array([row[name] for row in rows])
  tenth = max(1, len(values) // 10)
  return float(np.median(values[-tenth:]) - np.median(values[tenth : 2 * tenth]))


def draw(rows: Sequence[Mapping[str, Any]], path: pathlib.Path) -> None:
  """Draws the memory over the steps as a PNG."""
  figure = figures.new_figure(7, 3)
  axes = figure.subplots()
  for name in rows[0]:
    if name != 'step':
      axes.plot([row['step'] for row in rows], [row[name] for row in rows], label=name)
  figures.plain_axes(axes)
  axes.set(xlabel='step', ylabel='MiB', ylim=(0, None))
  axes.legend()
  figures.save_figure(path, figure)


def main(argv: list[str]) -> None:
  """Runs the benchmark."""
  config, arguments = experiment_file.parse_flags(argv)
  if arguments or config is None:
    raise app.UsageError(f'unexpected arguments: {arguments}')
  absl_logging.set_verbosity(absl_logging.FATAL)  # Of Orbax.
  method, out = config.methods[0], pathlib.Path(_OUT.value)
  config = changed(config, {'methods': (method,), 'train.steps': _STEPS.value})
  rows, done = [], threading.Event()
  with tempfile.TemporaryDirectory() as folder:
    watcher = threading.Thread(target=watch, args=(pathlib.Path(folder) / method, rows, done))
    watcher.start()
    try:
      execute.run(config, pathlib.Path(folder))
    finally:
      done.set()
      watcher.join()
  training = [row for row in rows if row['step'] < _STEPS.value]  # The last evaluation is larger.
  grown = {name: growth(training, name) for name in training[0] if name != 'step'}
  results = {
    'experiment': config.experiment, 'method': method, 'steps': _STEPS.value, 'growth_mib': grown,
    'rows': rows, **describe_hardware(False),
  }  # fmt: skip
  out.write_text(json.dumps(results, indent=1) + '\n')
  draw(training, out.with_suffix('.png'))
  for name, mib in grown.items():
    last = training[-1][name]
    print(f'{name:10}{last:10.0f} MiB at the end, {mib:+.1f} MiB since the second tenth')


if __name__ == '__main__':
  main(sys.argv)
