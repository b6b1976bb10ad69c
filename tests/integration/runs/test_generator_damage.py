"""Damaged folders of saved generators: one line each, and no code of the folder runs."""

import json
import pickle
import shutil

import numpy as np
import pytest
from safetensors import numpy as safetensors

import jaxgan
from jaxgan.errors import UserError
from jaxgan.runs import generator_folder

pytest.importorskip('flatbuffers')
KERNEL = 'generator.ema.params.Dense_0.kernel'


@pytest.fixture
def folder(saved, tmp_path):
  return shutil.copytree(saved, tmp_path / 'copy')


def _config(**changes):
  """Changes fields of config.json, also below: config__algorithm__noise_dim=..."""

  def damage(folder):
    path = folder / 'config.json'
    content = json.loads(path.read_text())
    for name, value in changes.items():
      *above, last = name.split('__')
      part = content
      for section in above:
        part = part[section]
      part[last] = value
      if value is None:
        del part[last]
    path.write_text(json.dumps(content))

  return damage


def _weights(change):
  """Changes the arrays and the SHA-256, as somebody would on purpose."""

  def damage(folder):
    path = folder / 'model.safetensors'
    arrays = safetensors.load_file(path)
    change(arrays)
    data = generator_folder.encode(arrays)
    path.write_bytes(data)
    _config(weights_sha256=generator_folder.sha256(data))(folder)

  return damage


def _bytes(name, change):
  def damage(folder):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))

  return damage


def _flip(data):
  return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


class _Bomb:
  def __reduce__(self):
    return pytest.fail, ('a pickle was read',)


DAMAGES = {
  'no folder': (shutil.rmtree, 'no such folder'),
  'no config': (lambda f: (f / 'config.json').unlink(), r'found no config\.json'),
  'no weights': (lambda f: (f / 'model.safetensors').unlink(), 'No such file'),
  'half a config': (_bytes('config.json', lambda d: d[: len(d) // 2]), 'cannot be used'),
  'empty config': (_bytes('config.json', lambda d: b''), 'cannot be used'),
  'binary config': (_bytes('config.json', lambda d: b'\xff\xfe\x00'), 'cannot be used'),
  'a list': (_bytes('config.json', lambda d: b'[1]'), 'cannot be used'),
  'deep': (_bytes('config.json', lambda d: b'[' * 100_000), 'cannot be used'),
  'of a run': (_bytes('config.json', lambda d: b'{"schema": 2}'), r'jaxgan\.load opens'),
  'another format': (_config(format='diffusers'), 'expected "format": "jaxgan.generator"'),
  'newer': (_config(version=2), 'install a newer jaxgan'),
  'no step': (_config(step=None), 'step: Field required'),
  'text as step': (_config(step='7'), 'step: Input should be a valid integer'),
  'another field': (_config(surprise=1), 'surprise: Extra inputs are not permitted'),
  'unknown method': (_config(config__methods=['stylegan']), 'expected methods of one family'),
  'other method': (_config(method='cgan'), 'cannot be used|describes no generator'),
  'bad field': (_config(config__algorithm__noise_dim=-1), 'noise_dim=-1: expected a positive'),
  'no network': (_config(config__algorithm__network='big'), 'network=.big.: expected one of'),
  'other width': (_config(config__algorithm__noise_dim=9), r'expected float32 \[9, 16\]'),
  'no image': (_config(image_shape=[0, 0, 0]), 'cannot be used|describes no generator'),
  'short shape': (_config(image_shape=[8]), 'image_shape'),
  'fewer classes': (_config(labeller__class_names=['a']), r'labeller\..* expected'),
  'labeller': (_config(labeller__config={'network': 'x'}), r'labeller\.network'),
  'no labeller': (_config(labeller=None), 'labeller: Field required'),
  'pickle': (_bytes('model.safetensors', lambda d: pickle.dumps(_Bomb())), 'cannot be used'),
  'cut weights': (_bytes('model.safetensors', lambda d: d[:-100]), 'cannot be used'),
  'empty weights': (_bytes('model.safetensors', lambda d: b''), 'cannot be used'),
  'flipped bit': (_bytes('model.safetensors', _flip), 'SHA-256 differs'),
  'missing array': (_weights(lambda a: a.pop(KERNEL)), f'{KERNEL} is missing'),
  'extra array': (_weights(lambda a: a.update(x=np.zeros(2))), 'x is no array of this'),
  'shape': (_weights(lambda a: a.update({KERNEL: a[KERNEL][:2]})), r'is float32 \[2, 16\]'),
  'type': (_weights(lambda a: a.update({KERNEL: a[KERNEL].astype('i4')})), r'is int32 \['),
  'own module': (_config(modules=['their_methods']), 'import their_methods before'),
  'path of a module': (_config(modules=['/tmp/evil.py']), 'import /tmp/evil.py before'),
}  # fmt: skip


@pytest.mark.parametrize('name', DAMAGES)
def test_damage_is_one_clear_line(name, folder):
  damage, message = DAMAGES[name]
  damage(folder)
  with pytest.raises(UserError, match=f'({message})') as caught:
    jaxgan.from_pretrained(folder)
  line = str(caught.value)
  assert 'copy' in line  # Names the folder.
  assert len(line) < 600
  assert '\n' not in line


def test_the_undamaged_folder_is_read(folder):
  assert jaxgan.from_pretrained(str(folder)).sample(3)[0].shape == (3, 8, 8, 1)
