"""Writing labelled images as class folders, an .npz or a TFDS directory.

Each format is a function (folder, LabelledImages) -> facts about its files, as JSON. It consumes
the images one by one, so that they are never in memory together, and writes equal bytes for equal
images. `data_prep.folders` and `data_prep.npz` read these files.
"""

from collections.abc import Iterable, Sequence
import csv
import itertools
import os
from pathlib import Path
import shutil
from typing import NamedTuple
import unicodedata
import zipfile

import numpy as np
from PIL import Image

_UNFIT = set('<>:"/\\|?*%')  # Forbidden in file names on some system, and %, which replaces them.
_LONGEST = 200  # Most bytes of a name; file systems allow 255.
NPZ = 'images.npz'


class Origins(NamedTuple):
  """Where N images come from.

  Attributes:
    files: of real images, where they are known; '' for generated images.
    draws: int `[N]`, numbers of generated images among all draws of the seed; -1 for real images.
    confidences: float `[N]`, the classifier's probability of the labels of generated images; NaN
      for real images.
  """

  files: Sequence[str]
  draws: np.ndarray
  confidences: np.ndarray


def of_real(files: Sequence[str]) -> Origins:
  """Returns the origins of real images."""
  return Origins(files, np.full(len(files), -1), np.full(len(files), np.nan, np.float32))


class LabelledImages(NamedTuple):
  """N images of K classes, sorted by class.

  Attributes:
    images: yields uint8 [H, W, C].
    labels: int [N].
    indices: int [N], positions in the training data; -1 for generated images.
    generated: bool [N].
    class_names: K names in label order.
    shape: (H, W, C).
    origins: of the images.
    test: the images of the test split, or None.
  """

  images: Iterable[np.ndarray]
  labels: np.ndarray
  indices: np.ndarray
  generated: np.ndarray
  class_names: tuple[str, ...]
  shape: tuple[int, int, int]
  origins: Origins
  test: 'LabelledImages | None' = None

  @property
  def splits(self) -> dict[str, 'LabelledImages']:
    """The splits by name."""
    return {'train': self, 'test': self.test} if self.test else {'train': self}


def folder_names(class_names: Iterable[str]) -> list[str]:
  """Names a folder for each class, valid on every file system, like the class if possible.

  Characters that some system forbids become %XX of their UTF-8 bytes, as in URLs, and so do a
  leading dot, which hides a folder, and a final dot or space. Names that are too long, or differ
  only in case or in composed accents, end in ~ and the label.

  >>> folder_names(['cat', 'AC/DC', '.hidden'])
  ['cat', 'AC%2FDC', '%2Ehidden']
  """
  names, taken = [], set()
  for label, class_name in enumerate(class_names):
    characters = list(class_name)
    for i, character in enumerate(characters):
      first, last = i == 0, i == len(characters) - 1
      hidden = (first and character == '.') or (last and character in '. ')
      if hidden or character in _UNFIT or not character.isprintable():
        characters[i] = ''.join(f'%{byte:02X}' for byte in character.encode())
    name = ''.join(characters)
    alike = unicodedata.normalize('NFC', name.casefold())
    if alike in taken or len(name.encode()) > _LONGEST:
      name = name.encode()[:_LONGEST].decode(errors='ignore') + f'~{label}'
      alike = unicodedata.normalize('NFC', name.casefold())
    taken.add(alike)
    names.append(name)
  return names


def save_png(path: Path, image: np.ndarray) -> None:
  """Writes an image uint8 [H, W, 1 or 3]."""
  Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(path)


def write_folders(folder: Path, data: LabelledImages) -> dict:
  """Writes PNGs as <split>/<class>/<number>.png, and images.csv with a line per PNG."""
  folders = folder_names(data.class_names)
  path = folder / 'images.csv'
  # Names of files may hold bytes that are no UTF-8.
  with open(path, 'w', newline='', encoding='utf-8', errors='surrogateescape') as file:
    rows = csv.writer(file, lineterminator='\n')
    rows.writerow(
      ['file', 'label', 'class_name', 'generated', 'index', 'source_file', 'draw', 'confidence']
    )
    for split, part in data.splits.items():
      for name in folders:
        (folder / split / name).mkdir(parents=True)
      numbers = [itertools.count() for _ in folders]
      for image, label, index, generated, *origin in zip(*part[:4], *part.origins, strict=True):
        path = f'{split}/{folders[label]}/{next(numbers[label]):06d}.png'
        save_png(folder / path, image)
        known = _shown(*origin) if generated else (origin[0], '', '')
        rows.writerow([path, label, data.class_names[label], int(generated), index, *known])
  return {'class_folders': dict(zip(folders, data.class_names, strict=True))}


def _shown(file, draw, confidence) -> tuple:
  return file, draw, '' if np.isnan(confidence) else f'{confidence:.4f}'


def write_npz(folder: Path, data: LabelledImages) -> dict:
  """Writes images.npz: `images`, `labels`, `class_names`, `generated`, `index` and the origins.

  The test split has `test_images`, `test_labels`, `test_index` and `test_source_file`.
  """
  arrays = {
    'labels': data.labels,
    'class_names': np.array(data.class_names),
    'generated': data.generated,
    'index': data.indices,
    'source_file': _texts(data.origins.files),
    'draw': data.origins.draws,
    'confidence': data.origins.confidences,
  }
  if data.test:
    arrays |= {
      'test_labels': data.test.labels,
      'test_index': data.test.indices,
      'test_source_file': _texts(data.test.origins.files),
    }
  with zipfile.ZipFile(folder / NPZ, 'w') as archive:

    def member(name):
      info = zipfile.ZipInfo(f'{name}.npy')  # Dated 1980, for equal bytes.
      info.compress_type = zipfile.ZIP_DEFLATED
      return archive.open(info, 'w', force_zip64=True)

    for split, part in data.splits.items():
      described = {
        'descr': '|u1', 'fortran_order': False, 'shape': (len(part.labels), *data.shape)
      }  # fmt: skip
      with member('images' if split == 'train' else 'test_images') as file:
        np.lib.format.write_array_header_1_0(file, described)
        for image in part.images:
          file.write(np.ascontiguousarray(image).data)
    for name, array in arrays.items():
      with member(name) as file:
        np.lib.format.write_array(file, array, allow_pickle=False)
  return {}


def _texts(names) -> np.ndarray:
  """Names as an array; bytes that are no UTF-8 become question marks."""
  return np.array([name.encode(errors='replace').decode() for name in names], dtype=str)


def write_tfds(folder: Path, data: LabelledImages) -> dict:
  """Writes a directory for `tfds.builder_from_directory`, of array_record files.

  Examples have `image`, `label`, `index`, `generated`, `draw` and `confidence`; splits `train` and
  `test`.
  """
  # TFDS takes half a second to import.
  from data_prep import balanced_images, preparation

  prepared = folder / 'prepared'
  builder = balanced_images.BalancedImages(data, data_dir=os.fspath(prepared))
  with preparation.quiet():
    builder.download_and_prepare()
  for path in Path(builder.data_dir).iterdir():
    path.rename(folder / path.name)
  shutil.rmtree(prepared)
  return {}


FORMATS = {'folders': write_folders, 'npz': write_npz, 'tfds': write_tfds}
