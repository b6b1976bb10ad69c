"""The saved generator of the finished run, which several files read."""

import pytest

import jaxgan
from tests.support.stand_in import use_one_device, use_stand_in_data


@pytest.fixture(scope='session')
def saved(finished, tmp_path_factory):
  """The folder of the saved generator of the trained and evaluated run of `finished`."""
  folder = tmp_path_factory.mktemp('saved') / 'generator'
  with pytest.MonkeyPatch.context() as monkeypatch:
    use_one_device(monkeypatch)
    use_stand_in_data(monkeypatch)
    jaxgan.load(finished[0]).save_pretrained(folder, license='cc-by-4.0')
  return folder
