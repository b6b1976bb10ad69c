"""Ignored files of a folder or .zip."""

import shutil
import zipfile

import pytest

from data_prep import folders
from jaxgan.errors import UserError


def test_folders_of_the_system_are_hidden(make_folder):
  red = (8, 8), 'RGB', 'red'
  system = ('@eaDir', 'cat/@eaDir', '$RECYCLE.BIN', 'System Volume Information')
  root = make_folder({f'{folder}/1.png': red for folder in ('cat', 'dog', *system)})
  shutil.make_archive(root, 'zip', root)
  for source in (root, root.with_suffix('.zip')):
    read = folders.read_folder(source)
    assert read.class_names == ('cat', 'dog')
    assert len(read.train.images) == 2
    assert read.listed.passed_over == (('hidden folders', 4),)


def test_refusals_name_unread_files(make_folder):
  red = (8, 8), 'RGB', 'red'
  root = make_folder({'cat/1.png': red, 'cow/more/1.png': red})
  (root / 'cow' / 'more' / '1.png').unlink()
  for name in ('1.heic', '2.HEIC', 'more/3.heic', 'more/notes.txt'):
    (root / 'cow' / name).write_bytes(b'')
  with pytest.raises(
    UserError, match=r'/cow has no images \(.*\) \(passed over: 3 .heic, 1 .txt\)'
  ):
    folders.read_folder(root)
  with zipfile.ZipFile(root.with_suffix('.zip'), 'w') as archive:
    archive.writestr('inner.zip', b'')
  with pytest.raises(
    UserError, match=r'no class folders and no images \(passed over: 1 .zip\): exp'
  ):
    folders.read_folder(root.with_suffix('.zip'))
