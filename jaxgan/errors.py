"""The one exception that ends a command with a line instead of a traceback."""


class UserError(ValueError):
  """Bad input from the person who runs a command.

  The message is one line: what was given, what is allowed, and which config
  field, flag or file to change. `jaxgan.main` and `data_prep.build` print it
  and exit with a non-zero status.
  """
