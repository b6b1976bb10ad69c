"""The command `jaxgan`, also `python -m jaxgan`: help and misspelt commands without JAX.

jaxgan train --config=experiments/fashion_lt.py
"""

import os
import sys

from jaxgan.runs import commands
from jaxgan.system import streams


def main() -> int:
  """Runs the command that the arguments name; returns the exit status."""
  streams.open_closed()
  name, *arguments = sys.argv[1:] or ['--help']
  if name not in commands.COMMANDS:
    if commands.wants_help([name]):
      return streams.show(commands.overview())
    print('error:', ' '.join(commands.unknown_command(name).split()), file=sys.stderr)
    return 2
  if commands.wants_help(arguments):
    return streams.show(commands.help_of(name))
  if not sys.flags.safe_path and os.getcwd() not in sys.path:
    # As with `python -m`: experiment files import modules from the working directory.
    sys.path.insert(0, os.getcwd())
  from jaxgan import main

  return main.main([f'jaxgan {name}', *arguments], name)


if __name__ == '__main__':
  sys.exit(main())
