"""Shared parts of the benchmarks: a clock and a description of the machine."""

from collections.abc import Callable
import os
import pathlib
import platform
import statistics
import time
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.system import parallel
from jaxgan.system.compilation import jit

_PRODUCT, _COPY = 2048, 2**26  # side of the square matrices; numbers read and written


def timed(function: Callable, *arguments: Any) -> tuple[float, float]:
  """Returns the wall time of a call in seconds and the number of busy CPU cores."""
  wall, cpu = time.perf_counter(), time.process_time()
  function(*arguments)
  wall = time.perf_counter() - wall
  return wall, (time.process_time() - cpu) / wall


def describe_hardware(with_torch: bool) -> dict:
  """Describes the devices and versions of the measurement."""
  cpu = platform.processor() or platform.machine()
  cpuinfo = pathlib.Path('/proc/cpuinfo')
  if cpuinfo.exists():
    names = [line for line in cpuinfo.read_text().splitlines() if line.startswith('model name')]
    cpu = names[0].partition(':')[2].strip() if names else cpu
  description = {
    'jax_device': jax.devices()[0].device_kind,
    'cpu': f'{cpu}, {os.cpu_count()} cores',
    'python': platform.python_version(),
    'jax': jax.__version__,
  }
  if with_torch:
    import torch

    on_gpu = torch.cuda.is_available()
    description['torch_device'] = torch.cuda.get_device_name() if on_gpu else 'cpu'
    description['torch'] = torch.__version__
  return description


def measure_limits(dtype: str, repeats: int = 9) -> dict:
  """Measures the device's limits: a product of square matrices, and reading and writing memory."""
  x = jax.random.normal(jax.random.key(0), (_PRODUCT, _PRODUCT)).astype(dtype)
  product = jit(lambda x: x @ x)
  numbers, update = jnp.ones(_COPY, jnp.float32), jit(lambda x: 0.5 * x, donate_argnums=0)
  products, copies = [], []
  for _ in range(repeats + 1):  # The first one compiles.
    products.append(timed(lambda: jax.block_until_ready(product(x)))[0])
    start = time.perf_counter()
    numbers = jax.block_until_ready(update(numbers))  # In place, as Adam.
    copies.append(time.perf_counter() - start)
  product = 2e-9 * _PRODUCT**3 / statistics.median(products[1:])
  copy = 8e-9 * _COPY / statistics.median(copies[1:])
  return {'product_gflop_per_s': product, 'memory_gb_per_s': copy}


def num_parameters(*optimizers: Any) -> int:
  """Counts the parameters that states of optax.adam train, by their first moments."""
  return sum(x.size for state in optimizers for x in jax.tree.leaves(state[0].mu))


def count_flops(function: Callable, *arguments: Any) -> float:
  """The arithmetic of a call, as XLA counts it before it compiles.

  It is lowered for a CPU, whatever the device: the clients of GPUs and TPUs do not count.

  Args:
    function: not compiled.
    *arguments: pytrees of arrays, or of their shapes.
  """
  mesh = parallel.device_mesh(devices=jax.devices('cpu')[:1])
  abstract = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=parallel.replicated(mesh)), arguments
  )
  with jax.set_mesh(mesh):
    return (jax.jit(function).lower(*abstract).cost_analysis() or {})['flops']


def account(flops: float, trained: int, ms_per_step: float, limits: dict) -> dict:
  """Where the time of a step goes, from its arithmetic and Adam's memory traffic.

  Args:
    flops: of the step, see `count_flops`.
    trained: parameters; Adam reads and writes them and both moments once a step, float32.
    ms_per_step: measured.
    limits: what `measure_limits` returned in the same run.

  Returns:
    By name: GFLOP and Adam's GB of a step, the milliseconds that these alone would take at the
    limits of the device, and the GFLOP/s of the whole step.
  """
  gflop = 1e-9 * flops
  adam_gb = 1e-9 * 6 * 4 * trained
  return {
    'gflop_per_step': gflop,
    'arithmetic_floor_ms': 1e3 * gflop / limits['product_gflop_per_s'],
    'adam_gb_per_step': adam_gb,
    'adam_floor_ms': 1e3 * adam_gb / limits['memory_gb_per_s'],
    'gflop_per_s': 1e3 * gflop / ms_per_step,
    **limits,
  }


def print_account(results: dict) -> None:
  """Prints the result of `account` in two lines."""
  print(
    f'{results["gflop_per_step"]:.1f} GFLOP a step at {results["gflop_per_s"]:.0f} GFLOP/s; alone, '
    f'at the {results["product_gflop_per_s"]:.0f} GFLOP/s of matrix products: '
    f'{results["arithmetic_floor_ms"]:.0f} ms'
  )
  print(
    f'{results["adam_gb_per_step"]:.2f} GB of parameters and moments; alone, at '
    f'{results["memory_gb_per_s"]:.0f} GB/s: {results["adam_floor_ms"]:.0f} ms'
  )


def print_heading(results: dict) -> None:
  """Prints the heading of a benchmark: machine, batch and repetitions."""
  print(f'{results["jax_device"]}; {results["cpu"]}')
  print(
    f'batch {results["batch_size"]}, {results["dtype"]}; medians of {results["repeats"]} '
    f'repetitions of {results["steps"]} steps\n'
  )


class TorchSide:
  """An eager PyTorch trainer; `run(n)` makes n steps and waits for them."""

  def __init__(self, make_trainer: Callable, *inputs: Any):
    """Makes the trainer; `make_trainer(device).step(*inputs)` makes a step and returns losses."""
    import torch

    self._torch = torch
    self._device = 'cuda' if torch.cuda.is_available() else 'cpu'
    # JAX uses TF32 for float32 on such devices too.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    self.trainer = make_trainer(self._device)
    self._inputs = [torch.tensor(x, device=self._device) for x in inputs]

  def run(self, steps: int) -> None:
    """Makes `steps` steps and waits for them."""
    for _ in range(steps):
      losses = self.trainer.step(*self._inputs)
    if self._device != 'cpu':
      self._torch.cuda.synchronize()
    if not all(loss.isfinite() for loss in losses):
      raise FloatingPointError('the PyTorch step made a loss that is not finite')


def torch_side(make_trainer: Callable, *inputs: Any) -> TorchSide | None:
  """Returns a TorchSide; prints a line and returns None if PyTorch is not installed."""
  try:
    return TorchSide(make_trainer, *inputs)
  except ImportError as error:
    print(f'PyTorch is not installed ({error}): timing JAX alone')
    return None
