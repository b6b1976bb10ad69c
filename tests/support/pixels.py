"""What tests of pictures look at: plain images, and the pixels of a PNG."""

import numpy as np
from PIL import Image


def image(path):
  """A PNG as uint8 [H, W, 3]."""
  with Image.open(path) as png:
    return np.asarray(png.convert('RGB'))


def flat(values, size=8):
  """One plain grey image a value: [...] -> uint8 [..., size, size, 1]."""
  return np.array(values, np.uint8)[..., None, None, None].repeat(size, -3).repeat(size, -2)


def ink(pixels):
  """Where a picture is not white."""
  return (pixels != 255).any(-1)


def assert_not_cut(path):
  """Something is drawn, and nothing touches the border."""
  drawn = ink(image(path))
  assert drawn.any()
  assert not (drawn[0].any())
  assert not (drawn[-1].any())
  assert not (drawn[:, 0].any())
  assert not (drawn[:, -1].any())
