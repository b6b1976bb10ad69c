"""Compares the throughput of streamed and resident batches; measures the memory of preparation.

    python -m benchmarks.streaming --out=streaming.json
    python -m benchmarks.streaming --images=1000000 --out=streaming.json

Random images as PNG files in ten class folders are prepared by the builder for your own images in
another process, whose peak memory is measured. Then the step of `cifar10_lt` without its
regulariser takes turns with batches from the disk and with resident images. A third column has the
stream alone: batches are copied to the device and not used.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app, flags
import jax
import numpy as np
from PIL import Image

from benchmarks.timing import describe_hardware, timed
from experiments import cifar10_lt
from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.config.overrides import changed
from jaxgan.data import loading
from jaxgan.data.streaming import Stream
from jaxgan.runs.experiment import resolved
from jaxgan.system import parallel
from jaxgan.training.job import TrainingJob
from jaxgan.training.replicas import replicas_of

_CLASSES, _SIZE = 10, 32

_IMAGES = flags.DEFINE_integer('images', 50_000, 'How many images.', 1000)
_BATCH_SIZE = flags.DEFINE_integer('batch_size', 256, 'Images per step.', 2)
_WIDTH = flags.DEFINE_integer('width', 64, 'Of generator and discriminator.', 1)
_STEPS = flags.DEFINE_integer('steps', 50, 'Steps a repetition.', 1)
_REPEATS = flags.DEFINE_integer('repeats', 5, 'Repetitions of each side, in turns.', 1)
_FOLDER = flags.DEFINE_string('folder', None, 'Where the images go; default a temporary folder.')
_OUT = flags.DEFINE_string('out', None, 'JSON file for the results.')

# Prepares and says what it took: seconds, and the largest resident memory in MiB.
_PREPARE = """
import resource, sys, time
from data_prep import preparation
first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.monotonic()
preparation.prepare('long_tail_folder', sys.argv[1], sys.argv[2], test_share=0.01)
last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.monotonic() - start, first / 1024, last / 1024)
"""


def make_images(root: pathlib.Path, num: int) -> None:
  """Writes random PNG files, with a folder for each class."""
  rng = np.random.default_rng(0)
  for k in range(_CLASSES):
    (root / f'class_{k}').mkdir(parents=True, exist_ok=True)
  for i in range(num):
    pixels = rng.integers(0, 256, (_SIZE, _SIZE, 3), np.uint8)
    Image.fromarray(pixels).save(root / f'class_{i % _CLASSES}' / f'{i:07}.png', compress_level=0)


def prepare(source: pathlib.Path, data_dir: pathlib.Path) -> dict:
  """Prepares the images in another process."""
  command = [sys.executable, '-c', _PREPARE, str(source), str(data_dir)]
  done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
  seconds, first, last = map(float, done.stdout.split())
  return {
    'prepare_s': seconds, 'prepare_start_mib': first, 'prepare_peak_mib': last
  }  # fmt: skip


class Side:
  """The step of a job with streamed or resident images."""

  def __init__(
    self, source: pathlib.Path, data_dir: pathlib.Path, streaming: bool, mesh: jax.sharding.Mesh
  ):
    """Loads the images and compiles the step."""
    config = resolved(cifar10_lt.get_config('method=unconditional'))
    config = changed(
      config,
      {
        'train.batch_size': _BATCH_SIZE.value,
        'algorithm.generator_width': _WIDTH.value,
        'algorithm.discriminator_width': _WIDTH.value,
        'data.dataset': 'long_tail_folder',
        'data.source': str(source),
        'data.data_dir': str(data_dir),
        'data.streaming': streaming,
        'data.options.test_share': 0.01,
      },
    )
    data = loading.load_training(config.data)
    algorithm = gan(
      config.algorithm, METHODS['unconditional'], data.image_shape, data.num_classes, None
    )
    job = TrainingJob('benchmark', pathlib.Path('benchmark'), config, algorithm, data, {})
    self._mesh = mesh
    with jax.set_mesh(mesh):
      self._trainer = replicas_of(job, mesh)
      self._trainer.initialise()
    self.stream = Stream(data, [0], _BATCH_SIZE.value, mesh, False) if streaming else None

  def run(self, steps: int) -> None:
    """Makes `steps` steps and waits for them."""
    with jax.set_mesh(self._mesh):
      self._trainer.advance(steps, lambda: False)
      jax.block_until_ready(self._trainer.carries)


def measure(source: pathlib.Path, data_dir: pathlib.Path) -> dict:
  """Returns the median milliseconds per step of each side."""
  mesh = parallel.device_mesh()
  resident, streamed = (Side(source, data_dir, streaming, mesh) for streaming in (False, True))
  assert streamed.stream is not None
  batches = streamed.stream.from_step(0)

  def alone(steps):
    for _ in range(steps):
      jax.block_until_ready(next(batches))

  sides = {'resident': resident.run, 'streamed': streamed.run, 'stream_alone': alone}
  for run in sides.values():
    run(3)  # Compiles.
  walls = {name: [] for name in sides}
  for _ in range(_REPEATS.value):
    for name, run in sides.items():
      walls[name].append(timed(run, _STEPS.value)[0])
  results = {
    f'{name}_ms_per_step': 1e3 * statistics.median(own) / _STEPS.value
    for name, own in walls.items()
  }
  ratios = [s / r for s, r in zip(walls['streamed'], walls['resident'], strict=True)]
  return results | {'streamed_over_resident': statistics.median(ratios)}


def main(argv: list[str]) -> None:
  """Runs the benchmark."""
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  with tempfile.TemporaryDirectory() as temporary:
    root = pathlib.Path(_FOLDER.value or temporary)
    source, data_dir = root / 'images', root / 'tfds'
    start = time.monotonic()
    if not source.exists():
      make_images(source, _IMAGES.value)
    print(f'{_IMAGES.value:,} images: {time.monotonic() - start:.0f} s', flush=True)
    results = {'images': _IMAGES.value, 'batch_size': _BATCH_SIZE.value, 'width': _WIDTH.value}
    results |= prepare(source, data_dir)
    print(
      f'prepared in {results["prepare_s"]:.0f} s; memory {results["prepare_start_mib"]:.0f} MiB at '
      f'the start, {results["prepare_peak_mib"]:.0f} MiB at most',
      flush=True,
    )
    results |= measure(source, data_dir) | describe_hardware(False)
  for name in ('resident', 'streamed', 'stream_alone'):
    ms = results[f'{name}_ms_per_step']
    print(f'{name:14}{ms:10.1f} ms a step{1e3 * _BATCH_SIZE.value / ms:12,.0f} images a second')
  print(f'streamed / resident: {results["streamed_over_resident"]:.3f}')
  if _OUT.value:
    pathlib.Path(_OUT.value).write_text(json.dumps(results, indent=2) + '\n')


if __name__ == '__main__':
  app.run(main)
