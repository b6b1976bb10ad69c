"""Files with one changed byte."""


def changed_byte(content: bytes, position: int, mask: int) -> bytes:
  """The content with some bits of one byte turned; mask is not 0."""
  return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]
