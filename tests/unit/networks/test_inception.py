"""The FID's Inception-V3: its input and its weights file."""

import hashlib

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.networks import inception


def _bilinear(image: np.ndarray, size: int) -> np.ndarray:
  """[H, W] -> [size, size]: interpolates between pixel centres, clamped at the border."""
  for axis in (0, 1):
    length = image.shape[axis]
    position = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, length - 1)
    weight = (position - low).reshape((-1, 1) if axis == 0 else (1, -1))
    image = image.take(low, axis) * (1 - weight) + image.take(high, axis) * weight
  return image


@pytest.mark.parametrize('size', [1, 28, 32, 299, 400])
def test_prepare_interpolates_between_pixel_centres(size):
  images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
  prepared = inception.prepare(images)
  assert prepared.shape == (2, 299, 299, 3)
  expected = 2 * _bilinear(images[1, ..., 2] / 255, 299) - 1
  # Positions are float32, as in torch.
  np.testing.assert_allclose(prepared[1, ..., 2], expected, atol=1e-4)


def test_prepare_of_other_images_raises():
  with pytest.raises(
    ValueError, match=r'images of shape \(2, 3, 8, 8\): expected \[N, H, W, C\] with C = 1 or 3'
  ):
    inception.prepare(np.zeros((2, 3, 8, 8), np.uint8))
  with pytest.raises(ValueError, match='images of type int32: expected uint8'):
    inception.prepare(np.zeros((2, 8, 8, 3), np.int32))


def test_average_pool_does_not_count_padding():
  ones = jnp.ones((1, 4, 4, 1))
  np.testing.assert_allclose(inception._average_pool(ones), ones)


def _named_after(content: bytes) -> str:
  return f'weights-{hashlib.sha256(content).hexdigest()[:8]}.pth'


def test_find_weights_accepts_a_file_or_its_folder(tmp_path, monkeypatch):
  content = b'tensors'
  monkeypatch.setattr(inception, 'WEIGHTS_NAME', _named_after(content))
  monkeypatch.setattr(inception, 'DEFAULT_FOLDER', str(tmp_path))
  file = tmp_path / inception.WEIGHTS_NAME
  for place in (tmp_path, str(tmp_path), file, str(file), None, tmp_path / 'none'):
    assert inception.find_weights(place) is None
  file.write_bytes(content)
  for place in (tmp_path, str(tmp_path), file, str(file), None):
    assert inception.find_weights(place) == file
  assert inception.find_weights(tmp_path / 'none') is None


def test_find_weights_checks_the_checksum_in_a_name(tmp_path):
  damaged = tmp_path / 'mine-0123abcd.pth'
  damaged.write_bytes(b'tensors')
  got = hashlib.sha256(b'tensors').hexdigest()[:8]
  with pytest.raises(UserError) as caught:
    inception.find_weights(damaged)
  message = str(caught.value)
  for part in (str(damaged), got, '0123abcd', 'delete it', inception.WEIGHTS_URL):
    assert part in message
  assert '\n' not in message
  own = tmp_path / 'mine.pth'
  own.write_bytes(b'tensors')
  assert inception.find_weights(own) == own
  assert inception.network_key(own) == f'inception-v3-fid-{got}'


def test_find_weights_downloads_only_complete_files(tmp_path, monkeypatch):
  content = b'tensors' * 1000
  monkeypatch.setattr(inception, 'WEIGHTS_NAME', _named_after(content))
  source, folder = tmp_path / 'source', tmp_path / 'new' / 'folder'
  monkeypatch.setattr(inception, 'WEIGHTS_URL', source.as_uri())
  assert inception.find_weights(folder, download=True) is None  # No network.
  source.write_bytes(content[:-1])
  with pytest.raises(UserError, match=r'download of .* was damaged, try again'):
    inception.find_weights(folder, download=True)
  assert not folder.exists()
  source.write_bytes(content)
  assert inception.find_weights(folder) is None
  found = inception.find_weights(folder, download=True)
  assert found.read_bytes() == content
  assert list(folder.iterdir()) == [found]
  blocked = tmp_path / 'source' / 'folder'
  with pytest.raises(UserError, match='cannot save the weights'):
    inception.find_weights(blocked, download=True)
