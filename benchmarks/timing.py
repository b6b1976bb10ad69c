"""What the benchmarks share: a clock and a description of the machine."""

import os
import pathlib
import platform
import time

import jax


def timed(function, *arguments) -> tuple[float, float]:
  """Wall time of a call in seconds, and how many CPU cores it kept busy."""
  wall, cpu = time.perf_counter(), time.process_time()
  function(*arguments)
  wall = time.perf_counter() - wall
  return wall, (time.process_time() - cpu) / wall


def describe_hardware(with_torch: bool) -> dict:
  """Devices and versions of the measurement."""
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


def print_heading(results: dict) -> None:
  """What stands above the tables of a benchmark: machine, batch and repetitions."""
  print(f'{results["jax_device"]}; {results["cpu"]}')
  print(
    f'batch {results["batch_size"]}, {results["dtype"]}; medians of {results["repeats"]} '
    f'repetitions of {results["steps"]} steps\n'
  )


class TorchSide:
  """An eager PyTorch trainer; `run(n)` makes n steps and waits for them."""

  def __init__(self, make_trainer, *inputs):
    """`make_trainer(device)` gives a trainer whose `step(*inputs)` returns its losses."""
    import torch

    self._torch = torch
    self._device = 'cuda' if torch.cuda.is_available() else 'cpu'
    # JAX uses TF32 for float32 on such devices too.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    self.trainer = make_trainer(self._device)
    self._inputs = [torch.tensor(x, device=self._device) for x in inputs]

  def run(self, steps: int) -> None:
    for _ in range(steps):
      losses = self.trainer.step(*self._inputs)
    if self._device != 'cpu':
      self._torch.cuda.synchronize()
    if not all(loss.isfinite() for loss in losses):
      raise FloatingPointError('the PyTorch step made a loss that is not finite')


def torch_side(make_trainer, *inputs) -> TorchSide | None:
  """The TorchSide, or None, said so, where PyTorch is not installed."""
  try:
    return TorchSide(make_trainer, *inputs)
  except ImportError as error:
    print(f'PyTorch is not installed ({error}): timing JAX alone')
    return None
