"""Image files are looked at first and decoded when they are needed."""

import itertools

import numpy as np
from PIL import Image
import pytest

from data_prep import pictures
from jaxgan.errors import UserError

LEVELS = (10, 60, 110, 160, 210)


@pytest.fixture
def paths(tmp_path):
  """Squares of 8 pixels, each of one colour; the third is grey."""
  paths = [tmp_path / f'{level}.png' for level in LEVELS]
  for i, (path, level) in enumerate(zip(paths, LEVELS, strict=True)):
    image = Image.new('L', (8, 8), level) if i == 2 else Image.new('RGB', (8, 8), (level, 0, 0))
    image.save(path)
  return paths


def test_no_more_than_a_block_is_decoded_ahead(paths, monkeypatch):
  decoded, read = [], pictures.read_image
  monkeypatch.setattr(pictures, '_BLOCK', 2)
  monkeypatch.setattr(
    pictures, 'read_image', lambda file, *rest: decoded.append(file) or read(file, *rest)
  )
  images = pictures.look_at(paths)
  assert images.shape == (5, 8, 8, 3) and not decoded
  some = images[np.array([4, 0, 3])][1:]
  assert some.shape == (2, 8, 8, 3) and not decoded
  assert [int(image[0, 0, 0]) for image in some] == [10, 160]
  decoded.clear()
  for _ in itertools.islice(images, 1):
    assert len(decoded) <= 2


def test_grey_images_get_the_channels_that_all_need(paths):
  assert pictures.look_at(paths[2:3]).shape == (1, 8, 8, 1)
  np.testing.assert_array_equal(list(pictures.look_at(paths))[2], np.full((8, 8, 3), 110))


def test_what_is_damaged_behind_its_header_is_named_when_it_is_decoded(paths):
  paths[3].write_bytes(paths[3].read_bytes()[:45])
  images = pictures.look_at(paths)
  with pytest.raises(UserError, match=r'160.png cannot be read'):
    list(images)
