"""Small whole copies of the data sets, and ways to damage them.

They are as small as `interpreter.shrink_published_data` expects them. A builder takes the path of a
new folder or file and returns the source to name.
"""

import io
import json
import pathlib
import shutil
import struct
import zlib

import numpy as np
from PIL import Image

from tests.support.data_prep.fakes import FakeCifar10, FakeMnist

SCENES = ('bedroom', 'conference_room', 'dining_room', 'kitchen', 'living_room')


# Own images ------------------------------------------------------------------------------------


def picture(size=16, mode='RGB', colour=0, kind='PNG') -> bytes:
  """An image file of one colour; size is a side or (width, height)."""
  data = io.BytesIO()
  size = (size, size) if isinstance(size, int) else size
  Image.new(mode, size, colour).save(data, kind)
  return data.getvalue()


def files(contents):
  """A builder of a folder with {path: bytes}; None makes an empty folder."""

  def build(root: pathlib.Path):
    root.mkdir()
    for name, data in contents.items():
      path = root / name
      if data is None:
        path.mkdir(parents=True)
      else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root

  return build


def class_folders(names=('cat', 'dog'), images=6, size=16):
  """{path: bytes} of class folders with images of different shades."""
  return {
    f'{name}/{i}.png': picture(size, colour=(40 * k, 40 * i, 0))
    for k, name in enumerate(names)
    for i in range(images)
  }


def pets(root):
  """Two classes of six images each."""
  return files(class_folders())(root)


def declared_png(width, height) -> bytes:
  """A PNG of a few bytes whose header says that it is of this size."""

  def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

  header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
  parts = chunk(b'IHDR', header), chunk(b'IDAT', zlib.compress(bytes(1000))), chunk(b'IEND', b'')
  return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


def npz(**changes):
  """A builder of an .npz of twelve images in two classes; None removes an array."""
  arrays = {
    'images': np.arange(12 * 16 * 16, dtype=np.uint8).reshape(12, 16, 16, 1),
    'labels': np.repeat([0, 1], 6),
    **changes,
  }

  def build(path: pathlib.Path):
    path = path.with_suffix('.npz')
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path

  return build


# Published data sets ---------------------------------------------------------------------------


def mnist(root):
  return FakeMnist().write(root, zipped=False)


def cifar10(root):
  return FakeCifar10.write_folder(root, FakeCifar10().python())


def lsun(root):
  import lmdb

  for scene in SCENES:
    for part, images in (('train', 5), ('val', 2)):
      folder = root / f'{scene}_{part}_lmdb'
      folder.mkdir(parents=True)
      with (
        lmdb.open(str(folder), map_size=2**20) as environment,
        environment.begin(write=True) as transaction,
      ):
        for i in range(images):
          transaction.put(b'%d' % i, picture(64, colour=(i, 0, 0), kind='WEBP'))
  return root


def inaturalist(root):
  """Three classes, each with two training images and one test image."""
  for name, per_class, first in (('train2019', 2, 0), ('val2019', 1, 100)):
    images, annotations = [], []
    for i in range(3 * per_class):
      file = f'train_val2019/Birds/{i % 3}/{first + i}.jpg'
      (root / file).parent.mkdir(parents=True, exist_ok=True)
      (root / file).write_bytes(picture(70, colour=(i, 0, 0), kind='JPEG'))
      images.append({'id': first + i, 'file_name': file})
      annotations.append({'image_id': first + i, 'category_id': i % 3})
    categories = [{'id': k, 'name': str(k)} for k in range(3)]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    (root / f'{name}.json').write_text(json.dumps(content))
  return root


def cars(**changes):
  """A builder of an .npz of twelve cars with 96 views; None removes an array."""
  views = np.arange(96)
  arrays = {
    'images': np.zeros((12, 96, 64, 64, 3), np.uint8),
    'names': np.array([f'car{i}' for i in range(12)]),
    'azimuths': views % 24,
    'elevations': views // 24,
    **changes,
  }

  def build(path: pathlib.Path):
    path = path.with_suffix('.npz')
    arrays_left = {name: array for name, array in arrays.items() if array is not None}
    np.savez_compressed(path, **arrays_left)
    return path

  return build


def shapenet(root):
  """As many instances as the ratio asks for at least, two views each."""
  contents = {
    f'{name}/{i:03}/{view}.png': picture(64, mode='RGBA', colour=(i, view, 0, 255))
    for name, instances in (('car', 5), ('airplane', 4), ('bowl', 3), ('can', 7), ('rifle', 8))
    for i in range(instances)
    for view in range(2)
  }
  return files(contents)(root)


def youtube(root):
  """Three people, each with two videos of two frames."""
  contents = {}
  for name in ('Ann_A', 'Bob_B', 'Cid_C'):
    frames = [f'{name}/{video}/{video}.{frame}.jpg' for video in (0, 1) for frame in (7, 8)]
    contents |= {frame: picture((80, 60), colour=(9, 9, 9), kind='JPEG') for frame in frames}
    lines = [f'{frame},0,40,30,20,20,0.0,1'.replace('/', '\\') for frame in frames]
    contents[f'{name}.labeled_faces.txt'] = '\n'.join(lines).encode()
  return files(contents)(root)


# Damage ----------------------------------------------------------------------------------------


def replaced(build, name, data):
  """A builder: with a file of other contents; data: bytes, or a function of the old ones."""

  def build_replaced(root):
    source = build(root)
    path = source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data(path.read_bytes()) if callable(data) else data)
    return source

  return build_replaced


def removed(build, name):
  """A builder: without a file or folder."""

  def build_removed(root):
    source = build(root)
    path = source / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return source

  return build_removed


def linked(build, name, target):
  """A builder: with a symbolic link in the place of a file or folder."""

  def build_linked(root):
    source = build(root)
    path = source / name
    if path.is_dir():
      shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    return source

  return build_linked


def damaged(build, change):
  """A builder: the bytes of the source, which is a file, changed."""

  def build_damaged(root):
    source = build(root)
    source.write_bytes(change(source.read_bytes()))
    return source

  return build_damaged


def half(data: bytes) -> bytes:
  return data[: len(data) // 2]


def json_with(change):
  """A function of the bytes of a JSON file; change(content) alters it in place."""

  def changed(data):
    content = json.loads(data)
    change(content)
    return json.dumps(content).encode()

  return changed
