"""How XLA compiles in tests, and in the processes that they start."""

import importlib.util
import mmap
from pathlib import Path

_OLD_EMITTERS = 'xla_cpu_use_fusion_emitters'


def flags(num_devices: int) -> str:
  """XLA_FLAGS for so many virtual devices of the CPU.

  Tests compile many small programs and run each a few times, so the flags optimise the former: the
  old emitters of fused loops compile in half the time. XLA ends the process at a flag that it does
  not know, and reads the flags before it could be asked.
  """
  chosen = [
    '--xla_backend_optimization_level=0',
    f'--xla_force_host_platform_device_count={num_devices}',
  ]
  for library in Path(importlib.util.find_spec('jaxlib').origin).parent.glob('libjax_common.*'):
    with library.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as known:
      if known.find(_OLD_EMITTERS.encode()) >= 0:
        chosen.append(f'--{_OLD_EMITTERS}=false')
  return ' '.join(chosen)
