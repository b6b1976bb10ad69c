"""Folders and .zip files of images, and their contents as read."""

import zipfile

import pytest

from data_prep import build, folders


def zipped(root, top=''):
  """A .zip of a folder, all of it inside of the folder `top`."""
  path = root.with_suffix('.zip')
  with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
    for file in sorted(root.rglob('*')):
      archive.write(file, f'{top}{file.relative_to(root).as_posix()}')
  return path


def contents(source, **options):
  """{split: {class: sorted shades of red}}, and the Source."""
  read = folders.read_folder(source, **options)
  found = {}
  for split, part in (('train', read.train), ('test', read.test)):
    if part is not None:
      rows = [(read.class_names[label], int(image[0, 0, 0]))
              for image, label in zip(part.images, part.labels, strict=True)]  # fmt: skip
      found[split] = {name: sorted(v for n, v in rows if n == name) for name in read.class_names}
  return found, read


def refused(source):
  with pytest.raises(build.UserError) as raised:
    folders.read_folder(source)
  assert '\n' not in str(raised.value)
  return str(raised.value)
