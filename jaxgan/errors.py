"""Exceptions that end a command with one line instead of a traceback."""


class UserError(ValueError):
  """Invalid input from a user.

  The message is one line: the given value, the allowed values, and the config field, flag or file
  to change. `jaxgan.main` and `data_prep.build` print it and exit with a non-zero status.
  """


class StorageError(RuntimeError):
  """A failure to write results, such as on a full disk; the message is one line."""


def first_line(error: BaseException) -> str:
  """Returns the first line of an error's message, or its type, to quote in a `UserError`."""
  return (str(error) or type(error).__name__).splitlines()[0]
