"""Lines of stages on stderr, which depend on how fast a machine is."""

import re

_WORK = '(loading|reading|preparing|counting|generating|evaluating|measuring|drawing)'
_STAGES = rf'(?!error: )(\w+: )?{_WORK} .*|jaxgan \w+: [\d:]+ so far'


def without(text: str) -> str:
  """Returns what a command printed without the lines of stages without a training."""
  lines = text.splitlines(keepends=True)
  return ''.join(line for line in lines if not re.fullmatch(_STAGES, line.rstrip('\n')))
