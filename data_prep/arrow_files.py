"""Arrow and Parquet files with encoded images in their rows."""

from collections import deque
from collections.abc import Iterator
import contextlib
import hashlib
import io
import json
from pathlib import Path
import threading
from typing import Any

import numpy as np

from jaxgan.errors import UserError, first_line

_BATCH = 250  # Rows per read of a Parquet file.
_KEPT = 4  # Batches in memory; decoding threads request rows in nearly sequential order.
_BYTES = ('binary', 'large_binary', 'fixed_size_binary', 'string_view')  # Types of texts, too.
_JPEG = b'\xff\xd8'  # The first bytes of a JPEG file.


class EncodedImage:
  """An image in a row of a file, read on demand; takes the place of a path."""

  __slots__ = ('_file', '_row')

  def __init__(self, file: 'ImageTable', row: int):
    """Reads nothing yet."""
    self._file, self._row = file, row

  def __str__(self) -> str:
    """Returns its name in messages, with the path."""
    return f'{self._file.path} row {self._row}'

  @property
  def name(self) -> str:
    """Its short name in messages, like the last part of a path."""
    return f'{self._file.path.name} row {self._row}'

  def name_in(self, folder: Path) -> str:
    """Returns its name with the path of the file inside of a folder."""
    return f'{self._file.path.relative_to(folder).as_posix()} row {self._row}'

  def sha256(self) -> str:
    """Returns the SHA-256 of the encoded image."""
    return hashlib.sha256(self._file.image(self._row)).hexdigest()

  def openable(self) -> io.BytesIO:
    """Returns an open file for Pillow."""
    return io.BytesIO(self._file.image(self._row))


def open_table(path: Path) -> 'ImageTable':
  """Opens an Arrow or Parquet file.

  Raises:
    UserError: the file is unreadable, or pyarrow is not installed.
  """
  try:
    import pyarrow  # noqa: F401
  except ImportError as error:
    raise UserError(f'source {path} needs pyarrow: pip install pyarrow') from error
  with _readable(path):
    with path.open('rb') as stream:
      if stream.read(40).startswith(b'version https://git-lfs'):
        raise UserError(f'{path} is a pointer of Git LFS, not the file: run `git lfs pull`')
    return (_ParquetTable if path.suffix.lower() == '.parquet' else _ArrowTable)(path)


@contextlib.contextmanager
def _readable(path):
  try:
    yield
  except (UserError, MemoryError):
    raise
  except Exception as error:  # Arrow raises a dozen types.
    reason = first_line(error)
    raise UserError(f'{path} cannot be read ({reason}): download or save it again') from error


class ImageTable:
  """A file of rows.

  Attributes:
    path: of the file.
    kind: 'Arrow' or 'Parquet'.
    num_rows: number of rows.
    columns: names of the columns.
  """

  kind: str

  def __init__(self, path: Path, schema: Any, num_rows: int):
    """Takes the pyarrow schema of the file."""
    self.path, self.num_rows, self.columns = path, num_rows, schema.names
    self._schema, self._images = schema, ''
    # The library `datasets` describes the columns in the metadata of the schema.
    info = json.loads((schema.metadata or {}).get(b'huggingface', b'{}'))
    features = (info.get('info') or {}).get('features')
    self._features = features if isinstance(features, dict) else {}

  def _feature(self, column) -> dict:
    feature = self._features.get(column)
    return feature if isinstance(feature, dict) else {}  # A list stands for lists of something.

  def image_columns(self) -> list[str]:
    """Lists the columns that may hold encoded images: bytes, or structs with a field `bytes`."""
    return [column for column in self.columns if self._holds_images(column)]

  def _holds_images(self, column):
    from pyarrow import types

    kind = self._schema.field(column).type
    if self._feature(column).get('_type', 'Image') not in ('Image', 'Value'):
      return False  # Audio and video have the same structs.
    if types.is_struct(kind):
      kind = kind.field('bytes').type if kind.get_field_index('bytes') >= 0 else kind
    return str(kind) in ('binary', 'large_binary', 'binary_view')

  def class_columns(self) -> list[str]:
    """Lists the columns with the feature ClassLabel."""
    return [c for c in self.columns if self._feature(c).get('_type') == 'ClassLabel']

  def class_names(self, column: str) -> list[str] | None:
    """Returns the names of a column's ClassLabel, or None without names."""
    return self._feature(column).get('names') or None

  def labels(self, column: str) -> np.ndarray:
    """Reads a column of integers or strings: int64 or str `[N]`."""
    from pyarrow import types

    with _readable(self.path):
      values = self._column(column)
      if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
      if str(values.type).startswith(_BYTES):
        values = values.cast('string')
    kind = values.type
    is_text = types.is_string(kind) or types.is_large_string(kind)
    is_number = types.is_integer(kind) or types.is_boolean(kind) or types.is_floating(kind)
    labels = values.to_pylist() if is_text or is_number else []
    # pandas turns integers into floats if a value is missing.
    whole = not types.is_floating(kind) or all(x is None or x.is_integer() for x in labels)
    if not (is_text or (is_number and whole)):
      raise UserError(f'{self.path}: column {column} must hold integers or strings, not {kind}')
    if values.null_count:
      raise UserError(f'{self.path}: column {column} is empty in {values.null_count} rows')
    with _readable(self.path):  # Large uint64 do not fit int64.
      return np.array(labels, dtype=str if is_text else np.int64)

  def use_images(self, column: str) -> bool:
    """Chooses the column that `image` reads; returns whether it has a JPEG.

    Raises:
      UserError: the column is missing, or a row has no bytes.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute  # Its functions are made on import, unseen by type checkers.
    if column not in self.image_columns():
      raise UserError(f'{self.path} has no column {column} with the bytes of images')
    is_struct = pa.types.is_struct(self._schema.field(column).type)
    self._images = f'{column}.bytes' if is_struct else column
    row, any_jpeg = 0, False
    with _readable(self.path):
      for images in self._batches():
        if images.null_count:
          row += images.is_null().to_pylist().index(True)
          raise UserError(
            f'{self.path} row {row} has no bytes of an image: save the data set with its images'
          )
        row += len(images)
        any_jpeg = any_jpeg or bool(compute.any(compute.starts_with(images, _JPEG)).as_py())
    return any_jpeg

  def image(self, row: int) -> bytes:
    """Returns the bytes of an image; thread-safe."""
    raise NotImplementedError

  def _column(self, column):
    """A column, pyarrow ChunkedArray."""
    raise NotImplementedError

  def _batches(self) -> Iterator:
    """All images, as pyarrow arrays of bytes."""
    raise NotImplementedError


def _bytes_of(column):
  """Returns images as bytes, from the field `bytes` if they are structs."""
  import pyarrow as pa
  import pyarrow.compute

  compute: Any = pyarrow.compute  # See `ImageTable.use_images`.
  column = compute.struct_field(column, 'bytes') if pa.types.is_struct(column.type) else column
  return column.cast('binary') if str(column.type) == 'binary_view' else column


class _ArrowTable(ImageTable):
  """An Arrow file or stream, memory-mapped, so that only requested rows are read."""

  kind = 'Arrow'

  def __init__(self, path: Path):
    import pyarrow as pa

    source = pa.memory_map(str(path))
    is_file = source.read(6) == b'ARROW1'
    source.seek(0)
    self._table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source).read_all()
    super().__init__(path, self._table.schema, self._table.num_rows)

  def use_images(self, column):
    if column in self.image_columns():
      self._bytes = _bytes_of(self._table.column(column))
    return super().use_images(column)

  def image(self, row):
    return self._bytes[row].as_py()

  def _column(self, column):
    return self._table.column(column)

  def _batches(self):
    return self._bytes.iterchunks()


class _ParquetTable(ImageTable):
  """A Parquet file, read sequentially with a few batches of rows in memory."""

  kind = 'Parquet'

  def __init__(self, path: Path):
    from pyarrow import parquet

    self._file = parquet.ParquetFile(
      path, pre_buffer=False
    )  # Pre-buffering would read the whole file.
    groups = [self._file.metadata.row_group(g) for g in range(self._file.num_row_groups)]
    self._ends = np.cumsum([group.num_rows for group in groups])
    self._lock, self._kept = threading.Lock(), deque(maxlen=_KEPT)
    self._next: Iterator = iter(())
    super().__init__(path, self._file.schema_arrow, self._file.metadata.num_rows)

  def image(self, row):
    with self._lock:
      if not self._is_near(row):
        self._kept.clear()
        self._next = self._blocks(row)
      while not self._kept or row >= self._kept[-1][0] + len(self._kept[-1][1]):
        self._kept.append(next(self._next))
      start, block = next(item for item in reversed(self._kept) if item[0] <= row)
      return block[row - start].as_py()

  def _is_near(self, row):
    """Returns whether a row is in memory or precedes the next group of rows."""
    if not self._kept:
      return False
    group = np.searchsorted(self._ends, self._kept[-1][0], side='right')
    return self._kept[0][0] <= row < self._ends[group] + _BATCH

  def _column(self, column):
    return self._file.read([column]).column(column)

  def _batches(self):
    return (images for _, images in self._blocks(0))

  def _blocks(self, row):
    """Yields (number of the first row, images) from the group of a row on."""
    group = int(np.searchsorted(self._ends, row, side='right'))
    start = int(self._ends[group - 1]) if group else 0
    groups = range(group, len(self._ends))
    for batch in self._file.iter_batches(_BATCH, row_groups=groups, columns=[self._images]):
      images = _bytes_of(batch.column(0))
      yield start, images
      start += len(images)
