"""Image files: headers first, decoding on demand."""

import itertools
import struct
import zlib

import numpy as np
from PIL import Image
import pytest

from data_prep import pictures
from jaxgan.errors import UserError

LEVELS = (10, 60, 110, 160, 210)


@pytest.fixture
def paths(tmp_path):
  """Plain squares of 8 pixels; the third is grey."""
  paths = [tmp_path / f'{level}.png' for level in LEVELS]
  for i, (path, level) in enumerate(zip(paths, LEVELS, strict=True)):
    image = Image.new('L', (8, 8), level) if i == 2 else Image.new('RGB', (8, 8), (level, 0, 0))
    image.save(path)
  return paths


def test_at_most_a_block_is_decoded_ahead(paths, monkeypatch):
  decoded, read = [], pictures.read_image
  monkeypatch.setattr(
    pictures, 'read_image', lambda file, *rest: decoded.append(file) or read(file, *rest)
  )
  images = pictures.look_at(paths)
  assert images.shape == (5, 8, 8, 3)
  assert not decoded
  some = images[np.array([4, 0, 3])][1:]
  assert some.shape == (2, 8, 8, 3)
  assert not decoded
  assert [int(image[0, 0, 0]) for image in some] == [10, 160]
  many = pictures.look_at(paths * 240)
  decoded.clear()
  for _ in itertools.islice(many, 1):
    assert 0 < len(decoded) < 1200


def test_grey_images_get_the_common_number_of_channels(paths):
  assert pictures.look_at(paths[2:3]).shape == (1, 8, 8, 1)
  np.testing.assert_array_equal(list(pictures.look_at(paths))[2], np.full((8, 8, 3), 110))


def test_damage_behind_a_header_is_reported_on_decoding(paths):
  paths[3].write_bytes(paths[3].read_bytes()[:45])
  images = pictures.look_at(paths)
  with pytest.raises(UserError, match=r'160.png cannot be read'):
    list(images)


# What metadata cannot break, and transparency ------------------------------------------------


def chunk(kind, data):
  return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def with_chunk(path, new, last=False):
  """Inserts a chunk after the header of a PNG, or before its end."""
  data = path.read_bytes()
  at = len(data) - 12 if last else 33
  path.write_bytes(data[:at] + new + data[at:])


_TEXT = b'comment\0\0' + zlib.compress(bytes(2**21))
_BROKEN = {
  'text that is too long': chunk(b'zTXt', _TEXT),
  'profile that is too long': chunk(b'iCCP', b'icc\0\0' + zlib.compress(bytes(2**21))),
  'profile that is none': chunk(b'iCCP', b'icc\0\0hello'),
  'profile of no method': chunk(b'iCCP', b'icc\0\7hello'),
  'wrong checksum': chunk(b'tEXt', b'a\0b')[:-1] + b'?',
  'EXIF that is none': chunk(b'eXIf', b'hello'),
}


@pytest.mark.parametrize('last', [False, True])
@pytest.mark.parametrize('name', _BROKEN)
def test_damaged_metadata_does_not_prevent_decoding(name, last, paths):
  with_chunk(paths[1], _BROKEN[name], last)
  (image,) = pictures.look_at(paths[1:2])
  np.testing.assert_array_equal(image, np.full((8, 8, 3), (60, 0, 0)))


def test_damaged_pixels_prevent_decoding(paths):
  with_chunk(paths[1], _BROKEN['text that is too long'])
  data = paths[1].read_bytes()
  paths[1].write_bytes(data[: data.index(b'IDAT') + 6])
  with pytest.raises(UserError, match=r'60.png cannot be read'):
    list(pictures.look_at(paths[1:2]))


def halves(mode='RGB'):
  """Two by one pixels, black and white."""
  image = Image.new(mode, (2, 1), 0)
  image.putpixel((1, 0), 255 if mode == 'L' else (255, 255, 255))
  return image.resize((16, 8), Image.Resampling.NEAREST)


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'TIFF', 'WEBP'])
@pytest.mark.parametrize('writable', [True, False])
def test_orientation_is_applied_once_with_any_exif(kind, writable, tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 3  # Upside down.
  path = tmp_path / f'a.{kind.lower()}'
  options = {'lossless': True} if kind == 'WEBP' else {'quality': 95} if kind == 'JPEG' else {}
  if kind == 'TIFF':
    halves().save(path, exif=exif, dpi=(72, 72))
    if not writable:
      data = path.read_bytes()
      at = data.index(struct.pack('<HHI', 0x011A, 5, 1))
      (value,) = struct.unpack('<I', data[at + 8 : at + 12])
      data = data[: at + 2] + struct.pack('<H', 10) + data[at + 4 :]
      path.write_bytes(data[:value] + struct.pack('<ii', -1, 0) + data[value + 8 :])
  else:
    halves().save(path, exif=exif if writable else rational_minus_one_over_zero(), **options)
  (image,) = pictures.look_at([path], 8)
  assert image[4, 0].mean() > 200
  assert image[4, -1].mean() < 50


def rational_minus_one_over_zero():
  """EXIF with the orientation 3 and a signed resolution of -1/0, which Pillow cannot write."""
  entries = struct.pack('<HHIHH', 0x0112, 3, 1, 3, 0) + struct.pack('<HHII', 0x011A, 10, 1, 38)
  head = b'II*\0' + struct.pack('<IH', 8, 2)
  return b'Exif\0\0' + head + entries + struct.pack('<I', 0) + struct.pack('<ii', -1, 0)


def transparent(mode):
  """8x8: the left half is opaque grey 100, the right half transparent, with hidden colours."""
  image = Image.new('LA', (8, 8), (100, 255))
  image.paste((7, 0), (4, 0, 8, 8))
  if mode == 'P':
    image = Image.new('P', (8, 8), 1)
    image.putpalette([7, 7, 7, 100, 100, 100])
    image.paste(0, (4, 0, 8, 8))
  elif mode in ('L', 'RGB'):  # With a transparent colour.
    image = image.convert('LA').getchannel(0).convert(mode)
  return image if mode in ('LA', 'P', 'L', 'RGB') else image.convert(mode)


_KEYS = {'P': 0, 'L': 7, 'RGB': (7, 7, 7)}


@pytest.mark.parametrize(('background', 'ground'), [
  ('white', (255, 255, 255)), ('#000000', (0, 0, 0)), ('red', (255, 0, 0))])  # fmt: skip
@pytest.mark.parametrize('mode', ['RGBA', 'LA', 'P', 'L', 'RGB'])
def test_transparent_pixels_show_the_background(mode, background, ground, tmp_path):
  paths = [tmp_path / 'a.png', tmp_path / 'b.png']
  options = {'transparency': _KEYS[mode]} if mode in _KEYS else {}
  transparent(mode).save(paths[0], **options)
  Image.new('LA', (8, 8), (50, 255)).save(paths[1])  # With an alpha channel, but opaque.
  images = pictures.look_at(paths, None, background)
  first, second = images
  grey = mode in ('LA', 'L') and background != 'red'
  assert images.shape[-1] == (1 if grey else 3)
  assert (first[:, :4] == 100).all()
  assert (second == 50).all()
  assert (first[:, 4:] == (ground[:1] if grey else ground)).all()
  assert images.ground.num_laid == 1


def test_half_transparent_pixels_are_mixed(tmp_path):
  Image.new('RGBA', (8, 8), (200, 0, 0, 51)).save(tmp_path / 'a.png')  # A fifth.
  (image,) = pictures.look_at([tmp_path / 'a.png'])
  assert image[0, 0].tolist() == [244, 204, 204]


def test_a_transparent_colour_of_16_bits(tmp_path):
  header = struct.pack('>IIBBBBB', 2, 2, 16, 2, 0, 0, 0)
  row = b'\0' + struct.pack('>6H', 0x0700, 0x0700, 0x0700, 0x6400, 0x6400, 0x6400)
  parts = (b'IHDR', header), (b'tRNS', struct.pack('>3H', *[0x0700] * 3)), (b'IDAT',
           zlib.compress(row * 2)), (b'IEND', b'')  # fmt: skip
  (tmp_path / 'a.png').write_bytes(b'\x89PNG\r\n\x1a\n' + b''.join(chunk(*part) for part in parts))
  (image,) = pictures.look_at([tmp_path / 'a.png'])
  assert image[0].tolist() == [[255] * 3, [100] * 3]
