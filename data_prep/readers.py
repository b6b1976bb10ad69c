"""Reading images that users have: class folders, .npz files and the CIFAR-10 archives."""

from collections.abc import Sequence
import gzip
import io
from pathlib import Path
import pickle
import tarfile
from typing import NamedTuple
import zlib

import numpy as np
from PIL import Image, ImageOps

from jaxgan.errors import UserError

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp')
CIFAR_TRAIN_BATCHES = tuple(f'data_batch_{i}' for i in range(1, 6))
CIFAR_BATCHES = (*CIFAR_TRAIN_BATCHES, 'test_batch')


class Labelled(NamedTuple):
  """Images uint8 [N, H, W, C] and labels int64 [N]."""

  images: np.ndarray
  labels: np.ndarray


class Source(NamedTuple):
  """Everything that was read; test is None where the source has no test images."""

  train: Labelled
  test: Labelled | None
  class_names: tuple[str, ...]
  kind: str  # 'class folders', 'npz', 'python batches' or 'binary batches'
  pixels: str  # 'exact', 'jpeg' or 'unverified'


class Listing(NamedTuple):
  """The image files of class folders: paths, and labels int64 [N] in the same order."""

  paths: list[Path]
  labels: np.ndarray


# Class folders ---------------------------------------------------------------------------------


def list_class_folders(root: Path) -> tuple[Listing, Listing | None, tuple[str, ...]]:
  """Lists <root>/<class>/<image>, or <root>/train and <root>/test of such folders.

  Classes are ordered by name, files by name within a class. Hidden files and files
  without an image suffix are passed over.

  Args:
    root: the folder.

  Returns:
    The train files, the test files or None, and the class names in label order.

  Raises:
    UserError: no class folders, a class without images, or other classes in test.
  """
  train_root, test_root = root / 'train', root / 'test'
  # A class may be called `train`: only a folder of folders is a split.
  split = train_root.is_dir() and bool(_subfolders(train_root))
  train_root = train_root if split else root
  class_names = tuple(folder.name for folder in _subfolders(train_root))
  if not class_names:
    raise UserError(f'source {root} has no class folders: expected {root}/<class>/<image>')
  train = _list_classes(train_root, class_names)
  if not (split and test_root.is_dir()):
    return train, None, class_names
  foreign = [folder.name for folder in _subfolders(test_root) if folder.name not in class_names]
  if foreign:
    raise UserError(f'class folder {test_root / foreign[0]} has no counterpart in {train_root}')
  return train, _list_classes(test_root, class_names), class_names


def read_class_folders(root: Path, image_size: int | None = None) -> Source:
  """Reads the images that `list_class_folders` lists.

  Args:
    root: the folder.
    image_size: see `read_images`.

  Returns:
    The source; pixels is 'jpeg' if any file is a JPEG.
  """
  train, test, class_names = list_class_folders(root)
  paths = train.paths + (test.paths if test else [])
  images = read_images(paths, image_size)  # Together: both splits get the same channels.
  cut = len(train.paths)
  return Source(
    Labelled(images[:cut], train.labels),
    Labelled(images[cut:], test.labels) if test else None,
    class_names,
    'class folders',
    files_pixels(paths),
  )


def files_pixels(paths: Sequence[Path]) -> str:
  """'jpeg' if any file is a JPEG, else 'unverified': a PNG may have been a JPEG before."""
  lossy = any(path.suffix.lower() in ('.jpg', '.jpeg') for path in paths)
  return 'jpeg' if lossy else 'unverified'


def read_images(paths: Sequence[Path], image_size: int | None = None) -> np.ndarray:
  """Decodes image files of any size to one array.

  Grey stays one channel only if all images are grey. An alpha channel is dropped;
  the orientation that cameras note is applied.

  Args:
    paths: N files.
    image_size: side to which each image is resized (Lanczos) after a centre crop to a
      square; None if all images have the same square size already.

  Returns:
    uint8 [N, S, S, 1] or [N, S, S, 3].

  Raises:
    UserError: a file is damaged or has more than 8 bits a channel, or sizes differ.
  """
  pictures = [_read_image(path, image_size) for path in paths]
  side = pictures[0].shape[0]
  for path, picture in zip(paths, pictures, strict=True):
    if picture.shape[:2] != (side, side):
      height, width = picture.shape[:2]
      raise UserError(
        f'image {path} is {width}x{height}, but without image_size all images must have one '
        f'square size ({paths[0].name} is {pictures[0].shape[1]}x{side}): set image_size'
      )
  channels = max(picture.shape[2] for picture in pictures)
  out = np.empty((len(pictures), side, side, channels), np.uint8)
  for i, picture in enumerate(pictures):
    out[i] = picture  # A grey picture is broadcast to three equal channels.
  return out


def fit_square(image: Image.Image, image_size: int) -> Image.Image:
  """Crops the centre square and resizes it (Lanczos) to image_size."""
  side = min(image.size)
  left, top = (image.width - side) // 2, (image.height - side) // 2
  if image.width != image.height:
    image = image.crop((left, top, left + side, top + side))
  if side != image_size:
    image = image.resize((image_size, image_size), Image.Resampling.LANCZOS)
  return image


def _read_image(path, image_size):
  try:
    with Image.open(path) as image:
      mode = image.mode
      # Modes I, I;16 and F would be clipped to 255: an almost white picture.
      if not mode.startswith(('I', 'F')):
        image = ImageOps.exif_transpose(image).convert('L' if mode in ('1', 'L', 'LA') else 'RGB')
        picture = np.asarray(fit_square(image, image_size) if image_size else image)
  except Exception as error:  # Decoders raise a dozen types for damaged files.
    raise UserError(f'image file {path} cannot be read ({_reason(error)})') from error
  if mode.startswith(('I', 'F')):
    raise UserError(f'image file {path} has more than 8 bits a channel: convert it to 8 bits')
  return picture.reshape(*picture.shape[:2], -1)


def _subfolders(folder):
  return sorted(
    (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith('.')),
    key=lambda path: path.name,
  )


def _list_classes(root, class_names):
  paths, labels = [], []
  for label, name in enumerate(class_names):
    folder = root / name
    files = sorted(folder.iterdir(), key=lambda path: path.name) if folder.is_dir() else []
    found = [
      path
      for path in files
      if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.') and path.is_file()
    ]
    if not found:
      raise UserError(f'class folder {folder} has no images ({", ".join(IMAGE_SUFFIXES)})')
    paths += found
    labels += [label] * len(found)
  return Listing(paths, np.array(labels, np.int64))


# .npz files ------------------------------------------------------------------------------------


def npz_pixels(path: Path) -> str:
  """The optional field `pixels` of an .npz ('exact' or 'jpeg'), else 'unverified'."""
  return _stated_pixels(_open_npz(path, ('pixels',)))


def read_npz(path: Path, image_size: int | None = None) -> Source:
  """Reads `images`, `labels` and, if there, `test_images`, `test_labels`, `class_names`.

  Args:
    path: an .npz of uint8 images [N, H, W] or [N, H, W, 1 or 3] and int labels [N].
    image_size: see `read_images`.

  Returns:
    The source. Without class_names the classes are called 0, 1, ...

  Raises:
    UserError: a field is missing, has another type or length, or a label is out of range.
  """
  fields = ('images', 'labels', 'test_images', 'test_labels', 'class_names', 'pixels')
  arrays = _open_npz(path, fields)
  train = _labelled(path, arrays, '', image_size)
  if train is None:
    raise UserError(f'source {path} needs the arrays images and labels, it has {sorted(arrays)}')
  test = _labelled(path, arrays, 'test_', image_size)
  if test is not None and test.images.shape[1:] != train.images.shape[1:]:
    raise UserError(
      f'source {path}: images are {train.images.shape[1:]}, test_images {test.images.shape[1:]}'
    )
  if 'class_names' in arrays:
    class_names = tuple(str(name) for name in np.atleast_1d(arrays['class_names']))
    if len(set(class_names)) != len(class_names):
      raise UserError(f'source {path}: class_names has a name twice')
  else:
    largest = max(int(part.labels.max()) for part in (train, test) if part is not None)
    class_names = tuple(str(k) for k in range(largest + 1))
  for field, part in (('labels', train), ('test_labels', test)):
    if part is not None:
      _check_labels(f'source {path}: {field}', part.labels, class_names)
  return Source(train, test, class_names, 'npz', _stated_pixels(arrays))


def _stated_pixels(arrays):
  pixels = str(arrays.get('pixels', ''))
  return pixels if pixels in ('exact', 'jpeg') else 'unverified'


def _open_npz(path, fields):
  try:
    with np.load(path, allow_pickle=False) as archive:
      return {name: archive[name] for name in fields if name in archive.files}
  except Exception as error:  # Zip, zlib and NumPy errors, or AttributeError for a bare .npy.
    raise UserError(f'source {path} is not a readable .npz file ({_reason(error)})') from error


def _labelled(path, arrays, prefix, image_size):
  images, labels = arrays.get(f'{prefix}images'), arrays.get(f'{prefix}labels')
  if images is None and labels is None:
    return None
  where = f'source {path}: {prefix}'
  if images is None or labels is None:
    raise UserError(f'{where}images and {prefix}labels must be given together')
  if images.dtype != np.uint8:
    raise UserError(f'{where}images must be uint8, got {images.dtype}')
  images = images[..., None] if images.ndim == 3 else images
  if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
    raise UserError(f'{where}images must be [N, H, W] or [N, H, W, 1 or 3], got {images.shape}')
  if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
    raise UserError(f'{where}labels must be whole numbers [N], got {labels.dtype} {labels.shape}')
  if len(labels) != len(images):
    raise UserError(f'{where}images has {len(images)} images, {prefix}labels {len(labels)} labels')
  if image_size is None and images.shape[1] != images.shape[2]:
    raise UserError(f'{where}images are {images.shape[2]}x{images.shape[1]}: set image_size')
  if image_size and images.shape[1:3] != (image_size, image_size):
    images = np.stack([_resize_array(image, image_size) for image in images])
  return Labelled(images, labels.astype(np.int64))


def _resize_array(image, image_size):
  grey = image.shape[-1] == 1
  picture = fit_square(Image.fromarray(image[..., 0] if grey else image), image_size)
  return np.asarray(picture).reshape(image_size, image_size, -1)


def _check_labels(where, labels, class_names):
  if labels.min() < 0 or labels.max() >= len(class_names):
    raise UserError(
      f'{where} must lie in 0..{len(class_names) - 1}, got {labels.min()}..{labels.max()}'
    )
  empty = np.flatnonzero(np.bincount(labels, minlength=len(class_names)) == 0)
  if len(empty):
    raise UserError(f'{where}: class {class_names[empty[0]]} (label {empty[0]}) has no images')


# The CIFAR-10 archives -------------------------------------------------------------------------


def read_cifar10_batches(path: Path) -> Source:
  """Reads the original python or binary batches, from a .tar.gz or an extracted folder.

  Formats: https://www.cs.toronto.edu/~kriz/cifar.html. The train batches are put one
  after another, which is the original order.

  Args:
    path: the archive, or the folder of data_batch_1 .. data_batch_5 and test_batch.

  Returns:
    The source, images uint8 [N, 32, 32, 3].

  Raises:
    UserError: a batch is missing or damaged.
  """
  files = _folder_batches(path) if path.is_dir() else _archive_batches(path)
  binary = any(name.endswith('.bin') for name in files)
  suffix, parse = ('.bin', _parse_binary) if binary else ('', _parse_python)
  missing = [name + suffix for name in CIFAR_BATCHES if name + suffix not in files]
  if missing:
    raise UserError(f'source {path} has no {", ".join(missing)}: it is not a whole CIFAR-10 copy')
  parts = {name: parse(path, name + suffix, files[name + suffix]) for name in CIFAR_BATCHES}
  train = [parts[name] for name in CIFAR_TRAIN_BATCHES]
  return Source(
    Labelled(*(np.concatenate(arrays) for arrays in zip(*train, strict=True))),
    parts['test_batch'],
    (),
    f'{"binary" if binary else "python"} batches',
    'exact',
  )


def _folder_batches(folder):
  names = {*CIFAR_BATCHES, *(f'{name}.bin' for name in CIFAR_BATCHES)}
  return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def _archive_batches(path):
  files = {}
  try:
    with tarfile.open(path) as archive:
      for member in archive:
        name = member.name.rsplit('/', 1)[-1]
        if member.isfile() and name.removesuffix('.bin') in CIFAR_BATCHES:
          files[name] = archive.extractfile(member).read()
  except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError) as error:
    raise UserError(f'source {path} is not a readable .tar.gz ({_reason(error)})') from error
  return files


def _parse_binary(path, name, data):
  if len(data) % 3073 or not data:
    raise UserError(
      f'{name} in source {path} is damaged: {len(data)} bytes, not a multiple of 3073'
    )
  records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
  return _from_planes(path, name, records[:, 1:], records[:, 0])


_RECONSTRUCT = np.empty(0).__reduce__()[0]  # Its module's name depends on the NumPy version.


class _ArraysOnly(pickle.Unpickler):
  """Unpickles NumPy arrays and plain containers; a pickle can run any code otherwise."""

  def find_class(self, module, name):
    if name == '_reconstruct' and module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
      return _RECONSTRUCT
    if module == 'numpy' and name in ('ndarray', 'dtype'):
      return getattr(np, name)
    if module == '_codecs' and name == 'encode':  # How Python 3 writes bytes in protocol 2.
      return super().find_class(module, name)
    raise pickle.UnpicklingError(f'it refers to {module}.{name}')


def _parse_python(path, name, data):
  try:
    batch = _ArraysOnly(io.BytesIO(data), encoding='bytes').load()
    pixels, labels = np.asarray(batch[b'data']), np.asarray(batch[b'labels'])
  except Exception as error:  # A cut or foreign pickle raises almost anything.
    raise UserError(f'{name} in source {path} is damaged ({_reason(error)})') from error
  if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape != (len(labels), 3072):
    raise UserError(
      f'{name} in source {path} is damaged: data {pixels.shape}, {len(labels)} labels'
    )
  return _from_planes(path, name, pixels, labels)


def _from_planes(path, name, pixels, labels):
  if labels.min() < 0 or labels.max() > 9:
    raise UserError(f'{name} in source {path} is damaged: a label lies outside 0..9')
  images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
  return Labelled(np.ascontiguousarray(images), labels.astype(np.int64))


def _reason(error):
  return (str(error) or type(error).__name__).splitlines()[0]
