"""Lines of stages on stderr, which depend on how fast a machine is."""

import re

_STAGES = r'(loading|reading|preparing|counting) .*|jaxgan \w+: [\d:]+ so far'


def without(text: str) -> str:
  """Returns what a command printed without the lines of stages before a training."""
  lines = text.splitlines(keepends=True)
  return ''.join(line for line in lines if not re.fullmatch(_STAGES, line.rstrip('\n')))
