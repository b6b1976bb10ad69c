"""The whole Inception network: weights and features, also against PyTorch."""

import subprocess
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics import fid
from jaxgan.networks import inception, released, torch_file
from jaxgan.system import compilation


@pytest.fixture(scope='module')
def state():
  """A random state_dict with pytorch-fid's names and torch's kernel layout."""
  return _random_state()


def _random_state() -> dict[str, np.ndarray]:
  """Weights that keep activations near unit size, with non-trivial normalisation."""
  rng = np.random.default_rng(0)
  tensors = {'fc.weight': np.zeros((1008, 2048), np.float32), 'fc.bias': np.zeros(1008, np.float32)}
  for variable, shape in released.shapes(inception.InceptionV3(), (299, 299, 3)).items():
    name = inception.variable_name(variable[1:])
    if variable[-1] == 'kernel':
      shape = (shape[3], shape[2], shape[0], shape[1])
      value = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
    elif variable[-1] in ('scale', 'var'):
      value = rng.uniform(0.6, 1.4, shape)
    else:
      value = rng.normal(size=shape) * 0.3
    tensors[name] = value.astype(np.float32)
  return tensors


@pytest.fixture(scope='module')
def variables(state):
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(torch_file, 'read_state_dict', lambda path: dict(state))
    return inception.load_weights('random.pth')


def _images(seed: int, count: int, size: int, channels: int = 3) -> np.ndarray:
  """Smooth random uint8 images of different brightness."""
  rng = np.random.default_rng(seed)
  coarse = rng.uniform(0, 255, (count, 4, 4, channels))
  images = np.array(jax.image.resize(coarse, (count, size, size, channels), 'linear'))
  return np.clip(images + rng.normal(0, 20, images.shape), 0, 255).astype(np.uint8)


def _features(variables, images):
  """Jitted features, as in evaluations."""
  return compilation.jit(inception.features)(variables, images)


def test_does_not_import_torch():
  code = 'import sys, jaxgan.networks.inception; sys.exit("torch" in sys.modules)'
  assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_features_of_uint8_float_and_grey_images(variables):
  grey = _images(0, 2, 8, channels=1)
  features = _features(variables, grey)
  assert features.shape == (2, 2048)
  assert features.dtype == jnp.float32
  assert np.isfinite(features).all()
  assert np.std(features) > 1e-3
  scaled = _features(variables, np.repeat(grey, 3, axis=-1).astype(np.float64) / 255)
  np.testing.assert_allclose(scaled, features, rtol=1e-3, atol=1e-4)


def test_load_weights_places_and_transposes(state, variables):
  kernel = variables['params']['Mixed_6b']['branch7x7_2']['conv']['kernel']
  assert kernel.shape == (1, 7, 128, 128)
  assert kernel.dtype == np.float32
  torch_kernel = state['Mixed_6b.branch7x7_2.conv.weight']  # [out, in, h, w]
  assert kernel[0, 4, 3, 9] == torch_kernel[9, 3, 0, 4]
  mean = variables['batch_stats']['Conv2d_1a_3x3']['bn']['mean']
  np.testing.assert_array_equal(mean, state['Conv2d_1a_3x3.bn.running_mean'])
  assert set(variables) == {'params', 'batch_stats'}


def test_load_weights_of_other_networks_raises(state, monkeypatch):
  def load(**changes):
    tensors = {**state, **{name.replace('__', '.'): value for name, value in changes.items()}}
    tensors = {name: value for name, value in tensors.items() if value is not None}
    monkeypatch.setattr(torch_file, 'read_state_dict', lambda path: tensors)
    return inception.load_weights('some.pth')

  load(fc__weight=None, Mixed_5b__branch1x1__bn__num_batches_tracked=np.array(3))
  with pytest.raises(UserError, match=r"some.pth lacks tensor 'Mixed_5b.branch1x1.bn.bias'"):
    load(Mixed_5b__branch1x1__bn__bias=None)
  with pytest.raises(UserError, match=r"holds the unknown tensor 'AuxLogits.fc.bias' \(1 in all\)"):
    load(AuxLogits__fc__bias=np.zeros(3))
  with pytest.raises(
    UserError, match=r"'Conv2d_1a_3x3.conv.weight' of shape \(32, 3, 5, 5\): expected"
  ):
    load(Conv2d_1a_3x3__conv__weight=np.zeros((32, 3, 5, 5)))


@pytest.fixture(scope='module')
def networks(state, tmp_path_factory):
  """Variables from a file that torch saved, and pytorch-fid's network with the same weights."""
  torch = pytest.importorskip('torch')
  # The CPU build of torchvision expects operators that it lacks.
  sys.modules.setdefault(
    'torchvision._meta_registrations', types.ModuleType('torchvision._meta_registrations')
  )
  pytest.importorskip('torchvision')
  reference = pytest.importorskip('pytorch_fid.inception')
  tensors = {name: torch.from_numpy(value) for name, value in state.items()}
  path = tmp_path_factory.mktemp('weights') / 'random.pth'
  torch.save(tensors, path)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(reference, 'load_state_dict_from_url', lambda *_, **__: tensors)
    network = reference.InceptionV3([3]).eval()

  def torch_features(images: np.ndarray) -> np.ndarray:
    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2) / np.float32(255))
    with torch.no_grad():
      return network(pixels)[0][:, :, 0, 0].numpy()

  return inception.load_weights(path), torch_features


@pytest.mark.slow
@pytest.mark.parametrize('size', [32, 64])
def test_features_match_pytorch_fid(networks, size):
  variables, torch_features = networks
  images = _images(size, 12, size)
  features, expected = _features(variables, images), torch_features(images)
  assert 0.01 < np.abs(expected).max() < 100
  # Relative to the deviation of a feature between images, on which the FID depends.
  spread = expected.std(axis=0).mean()
  error = np.abs(features - expected)
  print(f'\n{error.max() / np.abs(expected).max():.2e} of the largest feature', end='; ')
  print(f'{error.max() / spread:.2e} of the spread', end='; ')
  print(f'features {expected.mean():.3g} +- {spread:.3g}')
  assert error.max() < 1e-5 * np.abs(expected).max()
  assert error.max() < 1e-3 * spread


@pytest.mark.slow
def test_fid_matches_pytorch_fid(networks):
  variables, torch_features = networks
  score = pytest.importorskip('pytorch_fid.fid_score')
  real, fake = _images(1, 24, 32), _images(2, 24, 32) // 2
  ours, theirs = [], []
  for images in (real, fake):
    moments = None
    for batch in np.split(images, 3):
      moments = fid.accumulate(moments, _features(variables, batch))
    ours += fid.moments_statistics(moments)
    features = torch_features(images)
    theirs += [features.mean(axis=0), np.cov(features, rowvar=False)]
  expected = score.calculate_frechet_distance(*theirs)
  distance = fid.frechet_distance(*ours)
  print(f'\nFID {distance:.6f}, pytorch-fid {expected:.6f}: {abs(distance / expected - 1):.2e}')
  assert distance == pytest.approx(expected, rel=1e-3)
