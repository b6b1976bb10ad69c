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
