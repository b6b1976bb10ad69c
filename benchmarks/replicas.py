"""Times Elastic-InfoGAN's training step for several replicas, against eager PyTorch.

    python -m benchmarks.replicas --out=replicas.json
    python -m benchmarks.replicas --replicas=1,10,50 --steps=20

Replicas are independent runs of the networks for 28x28x1 images. They train together, as one
program over a leading replica axis, and one after another with the compiled step of one replica.
The PyTorch side is `benchmarks/torch_elastic_step.py`. All three take turns on images that are
already on the device, and the table gives medians over the repetitions. Without PyTorch, only JAX
is timed.

A second table has the convolutions of these networks in the four forms of
`benchmarks/convolutions.py`.

The lower bound is the memory traffic of Adam: parameters and both moments, read and written once
per step. On a CPU no other program may run, see `benchmarks/step_time.py`.
"""

from collections.abc import Callable, Sequence
import json
import pathlib
import statistics
from typing import Any

from absl import app, flags
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import convolutions
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
from experiments import mnist_lt
from jaxgan.algorithms import Algorithm, Batch, replicate
from jaxgan.algorithms.infogan import infogan
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import resolved
from jaxgan.system.compilation import jit

_CATEGORIES = 10
_CPU_REPLICAS, _ACCELERATOR_REPLICAS = [1, 2, 4, 8], [1, 2, 5, 10, 25, 50]
_CPU_STEPS, _ACCELERATOR_STEPS = 2, 50

_REPLICAS = flags.DEFINE_list('replicas', None, 'How many; default 1 to 8 on CPU, to 50 elsewhere.')
_BATCH_SIZE = flags.DEFINE_integer('batch_size', 64, 'Images per step and replica.', 2)
_STEPS = flags.DEFINE_integer(
  'steps', None, f'Steps a repetition; default {_CPU_STEPS} on CPU, {_ACCELERATOR_STEPS} elsewhere.'
)
_REPEATS = flags.DEFINE_integer('repeats', 5, 'Repetitions of each side, in turns.', 1)
_DTYPE = flags.DEFINE_enum('dtype', 'float32', ['float32', 'bfloat16'], 'Compute type of the nets.')
_SIZE = flags.DEFINE_integer('image_size', 28, 'Side of the random images.')
_TORCH = flags.DEFINE_boolean('torch', True, 'Time PyTorch too, if it is installed.')
_OUT = flags.DEFINE_string('out', None, 'JSON file for the results.')


def compile_update(algorithm: Algorithm) -> Callable:
  """Compiles the update as the trainer does."""
  return jit(algorithm.update, donate_argnums=0)


class JaxSide:
  """Replicas of the training step; `run(steps)` makes `steps` steps of each and waits."""

  def __init__(
    self,
    algorithm: Algorithm,
    update: Callable,
    num_replicas: int,
    images: np.ndarray,
    batched: bool,
  ):
    """Initialises the replicas.

    Args:
      algorithm: the algorithm of a replica.
      update: the compiled update of a single replica, for replicas one after another.
      num_replicas: the number of replicas.
      images: the images, uint8 `[N, H, W, C]`.
      batched: whether the replicas train together.
    """
    repeated = jnp.broadcast_to(images, (num_replicas, *images.shape))
    batch = Batch(repeated)
    keys = jax.random.split(jax.random.key(0), num_replicas)
    if batched:
      algorithm = replicate.replicate(algorithm, num_replicas)
      self._update = compile_update(algorithm)
      self._states, self._batches = [jit(algorithm.init)(keys)], [batch]
    else:
      self._update, init = update, jit(algorithm.init)
      self._states = [init(key) for key in keys]
      self._batches = [Batch(x) for x in repeated]
    self._key = jax.random.key(1)

  def run(self, steps: int) -> None:
    """Makes `steps` steps and waits for them."""
    for step in range(steps):
      key = jax.random.fold_in(self._key, step)
      for replica, batch in enumerate(self._batches):
        state, metrics = self._update(self._states[replica], batch, {}, key)
        self._states[replica] = state
    jax.block_until_ready(self._states)
    if not np.isfinite(metrics['loss/generator']).all():
      raise FloatingPointError('the JAX step made a loss that is not finite')

  @property
  def num_parameters(self) -> int:
    """Counts the parameters of all replicas."""
    return sum(num_parameters(s.discriminator_optimizer, s.joint_optimizer) for s in self._states)


def _ratio(runs) -> float | None:
  """The median ratio of PyTorch's time to the time of replicas one after another."""
  if 'torch' not in runs:
    return None
  pairs = zip(runs['torch'], runs['one_after_another'], strict=True)
  return statistics.median(theirs / ours for theirs, ours in pairs)


def measure_steps(
  config: Any, images: np.ndarray, counts: Sequence[int], steps: int, repeats: int, with_torch: bool
) -> list[dict]:
  """Times the sides in turns, for each number of replicas.

  Args:
    config: the `algorithm` section.
    images: `[B, S, S, C]` in [-1, 1], numpy.
    counts: numbers of replicas.
    steps: steps a repetition.
    repeats: repetitions of each side.
    with_torch: whether PyTorch takes part; if it is not installed it does not.

  Returns:
    A row for each number of replicas: milliseconds of a step of one replica, by side.
  """
  algorithm = infogan(config, images.shape[1:], _CATEGORIES)
  update = compile_update(algorithm)

  def make_trainer(device):
    from benchmarks import torch_elastic_step

    return torch_elastic_step.Trainer(config, images.shape[1:], _CATEGORIES, device)

  torch_images = np.moveaxis(images, -1, 1).copy()
  theirs = torch_side(make_trainer, torch_images) if with_torch else None
  rows = []
  for count in counts:
    vmapped = JaxSide(algorithm, update, count, images, batched=True)
    sides: dict[str, Any] = {
      'vmap': vmapped,
      'one_after_another': JaxSide(algorithm, update, count, images, batched=False),
    }
    work = dict.fromkeys(sides, count)
    traffic = 6 * 4 * vmapped.num_parameters // count
    if theirs:
      sides['torch'], work['torch'] = theirs, 1
    for side in sides.values():
      side.run(2)
    runs = {name: [] for name in sides}
    for _ in range(repeats):
      for name, side in sides.items():
        wall, _ = timed(side.run, steps)
        runs[name].append(1e3 * wall / (steps * work[name]))
    medians = {name: statistics.median(values) for name, values in runs.items()}
    rows.append(
      {
        'replicas': count,
        'ms_per_replica_step': medians,
        'ms_all': runs,
        'torch_over_jax': _ratio(runs),
        'floor_bytes': traffic,
        'floor_gb_per_s': {name: 1e-6 * traffic / ms for name, ms in medians.items()},
      }
    )
  return rows


def weigh_single(config: Any, images: np.ndarray) -> tuple[float, int]:
  """Returns (floating-point operations of the update of one replica, trained parameters)."""
  algorithm = infogan(config, images.shape[1:], _CATEGORIES)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  batch = Batch(jax.ShapeDtypeStruct(images.shape, images.dtype))
  flops = count_flops(algorithm.update, state, batch, {}, jax.random.key(0))
  return flops, num_parameters(state.discriminator_optimizer, state.joint_optimizer)


def print_tables(results: dict) -> None:
  """Prints the tables of a result."""
  print_heading(results)
  sides = list(results['steps_of_replicas'][0]['ms_per_replica_step'])
  print('ms per replica and step (GB/s of the parameters and Adam moments)')
  print(f'{"replicas":>8}' + ''.join(f'{name:>22}' for name in sides))
  for row in results['steps_of_replicas']:
    cells = (
      f'{row["ms_per_replica_step"][name]:12.2f} ({row["floor_gb_per_s"][name]:7.1f})'
      for name in sides
    )
    ratio = f'   torch / jax: {row["torch_over_jax"]:.2f}' if row['torch_over_jax'] else ''
    print(f'{row["replicas"]:8}' + ''.join(f'{cell:>22}' for cell in cells) + ratio)
  print_account(results)
  print('\nconvolutions of n replicas, ms')
  print(f'{"":20}{"":16}{"n":>4}' + ''.join(f'{form:>19}' for form in convolutions.FORMS))
  for row in results['convolutions']:
    cells = ''.join(f'{row["ms"][form]:19.2f}' for form in convolutions.FORMS)
    print(f'{row["convolution"]:20}{row["computation"]:16}{row["replicas"]:4}{cells}')


def main(argv: list[str]) -> None:
  """Runs the benchmark."""
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  on_cpu = jax.default_backend() == 'cpu'
  counts = _REPLICAS.value or (_CPU_REPLICAS if on_cpu else _ACCELERATOR_REPLICAS)
  counts = [int(count) for count in counts]
  steps = _STEPS.value or (_CPU_STEPS if on_cpu else _ACCELERATOR_STEPS)
  size, batch_size, repeats = _SIZE.value, _BATCH_SIZE.value, _REPEATS.value
  images = np.random.default_rng(0).uniform(-1, 1, (batch_size, size, size, 1)).astype(np.float32)
  config = resolved(mnist_lt.get_config('views=paper')).algorithm
  config = changed(config, {'dtype': _DTYPE.value})
  rows = measure_steps(config, images, counts, steps, repeats, _TORCH.value)
  flops, trained = weigh_single(config, images)
  single = rows[0]['ms_per_replica_step']['one_after_another']
  results = {
    'timed': 'whole updates, waited for once a repetition; images on the device, state donated',
    'floor': 'parameters and both moments of Adam in float32, read and written once a step',
    'batch_size': batch_size,
    'image_size': size,
    'dtype': _DTYPE.value,
    'steps': steps,
    'repeats': repeats,
    'steps_of_replicas': rows,
    **account(flops, trained, single, measure_limits(_DTYPE.value)),
    'convolutions': convolutions.measure(counts, size, batch_size, _DTYPE.value, repeats),
    **describe_hardware('torch' in rows[0]['ms_per_replica_step']),
  }
  print_tables(results)
  if _OUT.value:
    pathlib.Path(_OUT.value).write_text(json.dumps(results, indent=2) + '\n')


if __name__ == '__main__':
  app.run(main)
