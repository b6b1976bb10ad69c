"""Times the class-balancing training step, against the same step in eager PyTorch.

    python -m benchmarks.step_time --out=step_time.json
    python -m benchmarks.step_time --batch_size=256 --dtype=bfloat16 --steps=50

The JAX side is the step of `experiments/cifar10_lt.py` as the trainer runs it (ResNet-32 in the
loop, resident uint8 data); the PyTorch side is `benchmarks/torch_step.py`. Both see 12,406 random
images of 32x32 pixels, as many as long-tailed CIFAR-10 with imbalance ratio 100. They take turns,
and the table gives medians over the repetitions. Without PyTorch, only JAX is timed.

On a CPU no other program may run: PyTorch's threads wait for each other in busy loops, and one
other busy process makes its step ten times slower. Then `CPU cores` in the table is far below the
number of cores of the machine.
"""

from collections.abc import Callable
import functools
import json
import pathlib
import statistics
from typing import Any

from absl import app, flags
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import (
  account,
  count_flops,
  describe_hardware,
  measure_limits,
  num_parameters,
  print_account,
  print_heading,
  timed,
  torch_side,
)
from data_prep import build
from experiments import cifar10_lt
from jaxgan.algorithms.classifier import classifier as classifier_algorithm
from jaxgan.algorithms.gan import gan as gan_algorithm
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.config.overrides import changed
from jaxgan.data import order, training_data
from jaxgan.runs.experiment import resolved
from jaxgan.system import parallel
from jaxgan.system.compilation import jit
from jaxgan.training import train_step
from jaxgan.training.job import TrainingJob
from jaxgan.training.replicas import replicas_of

_CLASSES = 10
_CPU_BATCH, _ACCELERATOR_BATCH = 64, 256
_CPU_STEPS, _ACCELERATOR_STEPS = 5, 100

_BATCH_SIZE = flags.DEFINE_integer(
  'batch_size',
  None,
  f'Images per step; default {_CPU_BATCH} on CPU, {_ACCELERATOR_BATCH} elsewhere.',
)
_STEPS = flags.DEFINE_integer(
  'steps', None, f'Steps a repetition; default {_CPU_STEPS} on CPU, {_ACCELERATOR_STEPS} elsewhere.'
)
_REPEATS = flags.DEFINE_integer('repeats', 5, 'Repetitions of each framework, in turns.', 1)
_DTYPE = flags.DEFINE_enum('dtype', 'float32', ['float32', 'bfloat16'], 'Compute type of the nets.')
_NUM_IMAGES = flags.DEFINE_integer('num_images', 12_406, 'Size of the random data set.', 1)
_SIZE = flags.DEFINE_integer('image_size', 32, 'Side of the random images.')
_WIDTH = flags.DEFINE_integer('width', 64, 'Width of generator and discriminator.', 1)
_DEPTH = flags.DEFINE_integer('depth', 32, 'Depth of the classifier in the loop.')
_TORCH = flags.DEFINE_boolean('torch', True, 'Time PyTorch too, if it is installed.')
OUT = flags.DEFINE_string('out', None, 'JSON file for the results.')


def make_config(batch_size: int, dtype: str, width: int, depth: int) -> Any:
  """Builds the experiment with the sizes of the benchmark."""
  config = resolved(cifar10_lt.get_config())
  config = changed(
    config,
    {
      'train.batch_size': batch_size,
      'algorithm.dtype': dtype,
      'classifier.algorithm.dtype': dtype,
      'algorithm.generator_width': width,
      'algorithm.discriminator_width': width,
      'classifier.algorithm.depth': depth,
    },
  )
  return config


class JaxSide:
  """The trainer's step and loop; `run(n)` makes n steps and waits for them."""

  def __init__(self, config: Any, images: np.ndarray):
    """Builds the job and compiles its step."""
    self._mesh = parallel.device_mesh(devices=jax.devices()[:1])
    shape = images.shape[1:]
    labels = np.arange(len(images), dtype=np.int32) % _CLASSES
    names = tuple(map(str, range(_CLASSES)))
    pool = build.Arrays(images, labels, names, {}, 'random')
    data = training_data.whole(pool)
    classifier = classifier_algorithm(config.classifier.algorithm, shape, _CLASSES, 1)
    choices = METHODS['class_balancing']
    gan = gan_algorithm(config.algorithm, choices, shape, _CLASSES, classifier.classify)
    with jax.set_mesh(self._mesh):
      frozen = {'classifier': jit(classifier.init)(jax.random.key(1)).variables}
      self._job = job = TrainingJob(
        'benchmark', pathlib.Path('benchmark'), config, gan, data, frozen
      )
      self._trainer = replicas_of(job, self._mesh)
      self._trainer.initialise()
      self._share, self._dataset = jax.device_put(
        (data.replica_data(0, config.seed), data.dataset), parallel.replicated(self._mesh)
      )
    self._draw = jit(
      functools.partial(
        order.draw,
        batch_size=config.train.batch_size,
        flip=config.data.flip,
        crop_padding=config.data.crop_padding,
      )
    )

  def _step(self):
    """Returns (the step, a first carry without the trainer's buffers, other arguments)."""
    one_step, start = train_step.make_step(self._job, batched=False)
    constants = (self._share, self._dataset, dict(self._job.frozen))
    state = jax.tree.map(jnp.copy, self._trainer.state(0))
    return one_step, start(state, 0, *constants), constants

  def count_flops(self) -> float:
    """Counts the floating-point operations of the step."""
    with jax.set_mesh(self._mesh):
      one_step, carry, constants = self._step()
    return count_flops(one_step, carry, *constants)

  def compile_loop(self) -> Callable[[int], None]:
    """Compiles `run(n)`, which makes n steps in one dispatch, as the trainer on accelerators."""
    with jax.set_mesh(self._mesh):
      one_step, carry, constants = self._step()
    advance = train_step.compile_run(one_step, loop_on_device=True, sharding=None)
    carries = [carry]

    def run(num_steps):
      nonlocal carries
      with jax.set_mesh(self._mesh):
        replica_data, dataset, frozen = constants
        carries = advance(carries, num_steps, [replica_data], dataset, frozen, lambda: False)
        jax.block_until_ready(carries)

    return run

  @property
  def num_parameters(self) -> int:
    """Counts the parameters of both networks."""
    state = self._trainer.state(0)
    return num_parameters(state.generator_optimizer, state.discriminator_optimizer)

  def restart(self) -> None:
    """Returns to step 0."""
    with jax.set_mesh(self._mesh):
      self._trainer.initialise()

  def state(self) -> Any:
    """Returns the state of the trainer."""
    return self._trainer.state(0)

  def run(self, steps: int) -> None:
    """Makes `steps` steps and waits for them."""
    with jax.set_mesh(self._mesh):
      self._trainer.restart_sums()
      self._trainer.advance(steps, lambda: False)
      (metrics,) = self._trainer.means()
    if not np.isfinite(metrics['loss/generator']):
      raise FloatingPointError('the JAX step made a loss that is not finite')

  def draw(self, times: int) -> None:
    """Draws batches without training: gathers by index, flips and scales."""
    with jax.set_mesh(self._mesh):
      for step in range(times):
        jax.block_until_ready(self._draw(self._share, self._dataset, jnp.int32(step)))


def measure(config: Any, images: np.ndarray, steps: int, repeats: int, with_torch: bool) -> dict:
  """Times both sides in turns.

  Args:
    config: of the experiment, with the sizes to measure.
    images: uint8 `[N, H, W, C]`.
    steps: steps a repetition.
    repeats: repetitions of each side.
    with_torch: whether PyTorch takes part; if it is not installed it does not.

  Returns:
    Results by name, ready for JSON.
  """

  def make_trainer(device):
    from benchmarks import torch_step

    return torch_step.Trainer(config, images, _CLASSES, device)

  ours = JaxSide(config, images)
  theirs = torch_side(make_trainer) if with_torch else None
  first, _ = timed(ours.run, 1)
  ours.run(1)
  ours.draw(2)
  if theirs:
    theirs.run(2)

  jax_runs, draws, torch_runs, torch_draw = [], [], [], 0.0
  for _ in range(repeats):
    jax_runs.append(timed(ours.run, steps))
    draws.append(timed(ours.draw, steps))
    if theirs:
      before = theirs.trainer.draw_seconds
      torch_runs.append(timed(theirs.run, steps))
      torch_draw += theirs.trainer.draw_seconds - before

  def milliseconds(runs):
    return [1e3 * wall / steps for wall, _ in runs]

  def cores(runs):
    return statistics.median(busy for _, busy in runs)

  jax_ms, torch_ms = milliseconds(jax_runs), milliseconds(torch_runs)
  results = {
    'jax_ms_per_step': statistics.median(jax_ms),
    'jax_ms_all': jax_ms,
    'jax_cpu_cores_used': cores(jax_runs),
    'jax_data_share': statistics.median(milliseconds(draws)) / statistics.median(jax_ms),
    'jax_first_step_s': first,
    'torch_ms_per_step': None,
  }
  if jax.default_backend() == 'cpu':
    in_loop = ours.compile_loop()
    in_loop(1)
    pairs = [(timed(in_loop, steps)[0], timed(ours.run, steps)[0]) for _ in range(repeats)]
    results['jax_loop_over_steps'] = statistics.median(loop / apart for loop, apart in pairs)
  limits = measure_limits(config.algorithm.dtype)
  results |= account(ours.count_flops(), ours.num_parameters, results['jax_ms_per_step'], limits)
  if theirs:
    results |= {
      'torch_ms_per_step': statistics.median(torch_ms),
      'torch_ms_all': torch_ms,
      'torch_cpu_cores_used': cores(torch_runs),
      'torch_data_share': 1e3 * torch_draw / (steps * sum(torch_ms)),
      'torch_over_jax': statistics.median(t / j for t, j in zip(torch_ms, jax_ms, strict=True)),
    }
  return results


def print_table(results: dict) -> None:
  """Prints the table of a result."""
  print_heading(results)
  print(f'{"":10}{"ms/step":>10}{"data share":>12}{"CPU cores":>11}{"first step":>12}')
  for name in ('jax', 'torch'):
    if results[f'{name}_ms_per_step'] is not None:
      # Eager PyTorch compiles nothing.
      first = f'{results["jax_first_step_s"]:.1f} s' if name == 'jax' else '-'
      print(
        f'{name:10}{results[f"{name}_ms_per_step"]:10.1f}{results[f"{name}_data_share"]:12.1%}'
        f'{results[f"{name}_cpu_cores_used"]:11.2f}{first:>12}'
      )
  if results['torch_ms_per_step'] is not None:
    print(f'\ntorch / jax: {results["torch_over_jax"]:.2f}')
  if 'jax_loop_over_steps' in results:
    print(f'the same steps as one loop on the device / apart: {results["jax_loop_over_steps"]:.2f}')
  print_account(results)


def from_flags() -> tuple[Any, np.ndarray, int, int]:
  """Reads the flags; returns (configuration, random images, steps per repetition, repetitions)."""
  on_cpu = jax.default_backend() == 'cpu'
  batch_size = _BATCH_SIZE.value or (_CPU_BATCH if on_cpu else _ACCELERATOR_BATCH)
  steps = _STEPS.value or (_CPU_STEPS if on_cpu else _ACCELERATOR_STEPS)
  config = make_config(batch_size, _DTYPE.value, _WIDTH.value, _DEPTH.value)
  shape = (_NUM_IMAGES.value, _SIZE.value, _SIZE.value, 3)
  images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
  return config, images, steps, _REPEATS.value


def main(argv: list[str]) -> None:
  """Runs the benchmark."""
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  config, images, steps, repeats = from_flags()
  results = {
    'batch_size': config.train.batch_size,
    'dtype': _DTYPE.value,
    'steps': steps,
    'repeats': repeats,
    **measure(config, images, steps, repeats, _TORCH.value),
  }
  results |= describe_hardware(results['torch_ms_per_step'] is not None)
  print_table(results)
  if OUT.value:
    pathlib.Path(OUT.value).write_text(json.dumps(results, indent=2) + '\n')


if __name__ == '__main__':
  app.run(main)
