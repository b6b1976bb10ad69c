"""Which files of a folder or .zip are passed over."""

import shutil

from data_prep import folders


def test_folders_of_the_system_are_hidden(make_folder):
  red = (8, 8), 'RGB', 'red'
  system = ('@eaDir', 'cat/@eaDir', '$RECYCLE.BIN', 'System Volume Information')
  root = make_folder({f'{folder}/1.png': red for folder in ('cat', 'dog', *system)})
  shutil.make_archive(root, 'zip', root)
  for source in (root, root.with_suffix('.zip')):
    read = folders.read_folder(source)
    assert read.class_names == ('cat', 'dog') and len(read.train.images) == 2
    assert read.listed.passed_over == (('hidden folders', 4),)
