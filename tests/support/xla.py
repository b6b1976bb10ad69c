"""XLA flags for tests and the processes that they start."""

from jaxlib import version


def flags(num_devices: int) -> str:
  """XLA_FLAGS for so many virtual devices of the CPU.

  Tests compile many small programs and run each a few times, so the flags optimise compilation: the
  old emitters of fused loops compile in half the time. XLA ends the process at a flag that it does
  not know, and later versions of jaxlib have the new emitters only.
  """
  chosen = [
    '--xla_backend_optimization_level=0',
    f'--xla_force_host_platform_device_count={num_devices}',
  ]
  if version.__version_info__ < (0, 11):
    chosen.append('--xla_cpu_use_fusion_emitters=false')
  return ' '.join(chosen)
