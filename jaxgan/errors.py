"""The exceptions that end a command with a line instead of a traceback, and its words."""


class UserError(ValueError):
  """Bad input from the person who runs a command.

  The message is one line: what was given, what is allowed, and which config
  field, flag or file to change. `jaxgan.main` and `data_prep.build` print it
  and exit with a non-zero status.
  """


class StorageError(RuntimeError):
  """Results that cannot be written, such as on a full disk; the message is one line."""


def first_line(error: Exception) -> str:
  """The first line of an error's message, or its type: fit for the brackets of a `UserError`."""
  return (str(error) or type(error).__name__).splitlines()[0]
