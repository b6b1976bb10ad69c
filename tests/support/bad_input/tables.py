"""The command line and the test of tables of damaged data sets."""

import os

import pytest

from tests.support.bad_input.folders import ROOT

PREPARED = r'data(/.*)?'  # Paths that preparing data may add.
_SECTIONS = ('', 'classifier.', 'annotator.', 'cas.')
SMALL = tuple(f'--config.{section}train.batch_size=2' for section in _SECTIONS)
_CODES = ('mnist_lt', 'cars3d', 'chairs3d', 'shapenet', 'youtube_faces')


class Evil:
  """Makes a folder when it is unpickled."""

  def __reduce__(self):
    return os.mkdir, ('evil',)


def argv(tmp_path, source, experiment='folder_lt', flags=SMALL):
  """The command line of an experiment on a source, prepared in tmp_path/data."""
  if experiment in _CODES and flags == SMALL:
    flags = SMALL[::2][:2]  # Of the GAN and the annotator.
  data = f'--config.data.source={source}', f'--config.data.data_dir={tmp_path}/data'
  return [f'--config={ROOT}/experiments/{experiment}.py', *data, *flags]


def check(table, experiment):
  """A test of all rows of a table {name: (builder, message)}."""

  @pytest.mark.parametrize('name', table)
  def test(name, refused, tmp_path):
    build, message = table[name]
    # Where two data sets are prepared of one source, the first may be whole.
    refused(argv(tmp_path, build(tmp_path / 'source'), experiment), message, PREPARED)

  return test
