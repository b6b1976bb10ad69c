"""The exceptions that end a command with a line instead of a traceback."""


class UserError(ValueError):
  """Bad input from the person who runs a command.

  The message is one line: what was given, what is allowed, and which config
  field, flag or file to change. `jaxgan.main` and `data_prep.build` print it
  and exit with a non-zero status.
  """


class StorageError(RuntimeError):
  """Results that cannot be written, such as on a full disk; the message is one line."""
