"""Saved generators: the same images as the run, for every method, away from its data."""

import json
import shutil
import subprocess
import sys

import jax
import numpy as np
from PIL import Image
import pytest

import jaxgan
from jaxgan.algorithms import gan_methods, replicate
from jaxgan.config.overrides import changed
from jaxgan.data import loading, pixels
from jaxgan.errors import UserError
from jaxgan.runs import generator_folder, generator_saving
from jaxgan.runs.facts import read_facts
from jaxgan.runs.families import codes
from tests.support.stand_in import tiny, tiny_balanced, tiny_codes
from tests.support.untrained_run import of_method, untrained

pytest.importorskip('flatbuffers')  # A requirement of jaxgan: jax.export writes with it.

FAST = ('elastic_infogan',)  # The tests below have class_balancing and cgan.


def _experiment(method):
  if method in gan_methods.METHODS:
    from_codes = gan_methods.METHODS[method].classes == 'codes'
    return tiny_balanced(method) if from_codes else of_method(tiny(), method)
  return tiny_codes(method)


METHODS = [
  pytest.param(method, marks=() if method in FAST else pytest.mark.slow)
  for method in (*gan_methods.METHODS, *codes.METHODS)
]


def _assert_same_images(generator, run):
  expected = run.sample(11, seed=3)
  with pytest.MonkeyPatch.context() as monkeypatch:  # Reading a generator may not read images.
    monkeypatch.setattr(loading, 'load', lambda *arguments, **options: 1 / 0)
    images = generator.sample(11, seed=3)
  for own, theirs in zip(images, expected, strict=True):
    np.testing.assert_array_equal(own, theirs)
  last = run.label_names[-1]
  if run.labelled_by in ('the classes asked for', 'their codes'):  # Drawn directly.
    of_label = (each.sample(5, seed=2, label=last) for each in (generator, run))
    for own, theirs in zip(*of_label, strict=True):
      np.testing.assert_array_equal(own, theirs)
  assert (generator.label_names, generator.labelled_by) == (run.label_names, run.labelled_by)


@pytest.mark.parametrize('method', METHODS)
def test_images_equal_those_of_the_run(method, tmp_path, stand_in_data):
  run = untrained(_experiment(method), tmp_path / 'work')
  run.save_pretrained(tmp_path / 'saved')
  shutil.move(tmp_path / 'saved', tmp_path / 'away')
  generator = jaxgan.from_pretrained(tmp_path / 'away')
  _assert_same_images(generator, run)
  algorithm, _ = run.inputs.algorithm(method)
  state, key = replicate.take(run.restored[1], 0), jax.random.key(0)
  drawn = jax.jit(lambda state: algorithm.decode(state, *algorithm.draw(state, key, 5)))(state)
  generated = jax.jit(lambda state: algorithm.generate(state, key, 5))(state)
  np.testing.assert_allclose(drawn, generated, atol=1e-6)
  assert (generator.sample(11, seed=4)[0] != run.sample(11, seed=3)[0]).any()


def _program_alone(folder, tmp_path, **inputs):
  """The images of the exported program, in a process with JAX alone."""
  np.savez(tmp_path / 'inputs.npz', **inputs)
  code = """
import sys
import jax.export, numpy as np
folder, inputs = sys.argv[1:]
with open(folder + '/generator.jax_export', 'rb') as file:
  program = jax.export.deserialize(bytearray(file.read()))
assert program.platforms == ('cpu', 'cuda', 'tpu')
given = list(np.load(inputs).values())
np.save('images.npy', program.call(*given))
assert [str(shape) for shape in program.in_avals][0].startswith('float32[n,')
assert not {'jaxgan', 'flax', 'data_prep'} & set(sys.modules)
"""
  command = [sys.executable, '-c', code, str(folder), str(tmp_path / 'inputs.npz')]
  subprocess.run(command, check=True, cwd=tmp_path)
  return np.load(tmp_path / 'images.npy')


def _assert_program_alone(generator, folder, tmp_path):
  noise, condition = generator.draw(jax.random.key(0), 5)
  images = _program_alone(folder, tmp_path, noise=noise, condition=condition)
  apply = jax.jit(lambda *inputs: pixels.to_uint8(generator.apply(*inputs)))
  expected = apply(generator.variables, noise, condition)
  assert images.dtype == np.uint8
  assert np.abs(images.astype(int) - expected).max() <= 1
  assert np.ptp(images) > 0


@pytest.mark.slow
def test_a_generator_with_labels_and_the_published_network(tmp_path, stand_in_data):
  """Its convolutions differ by platform; its program runs without jaxgan."""
  run = untrained(changed(_experiment('cgan'), {'algorithm.network': 'sndcgan'}), tmp_path)
  run.save_pretrained(tmp_path / 'saved')
  generator = jaxgan.from_pretrained(tmp_path / 'saved')
  _assert_same_images(generator, run)
  _assert_program_alone(generator, tmp_path / 'saved', tmp_path)
  text = (tmp_path / 'saved/README.md').read_text()
  assert 'This checkpoint has not been evaluated.' in text
  assert 'license: "unknown"' in text
  assert 'The licence of this generator is not stated.' in text


@pytest.mark.slow
@pytest.mark.parametrize('network', ['mnist', 'stackgan', 'stackgan_two_stage'])
def test_programs_of_codes(network, tmp_path, stand_in_data):
  stand_in_data({'image_size': 64 if 'stackgan' in network else 8, 'channels': 3})
  config = changed(tiny_codes('elastic_infogan'), {'algorithm.network': network})
  run = untrained(config, tmp_path)
  run.save_pretrained(tmp_path / 'saved')
  generator = jaxgan.from_pretrained(tmp_path / 'saved')
  _assert_same_images(generator, run)
  _assert_program_alone(generator, tmp_path / 'saved', tmp_path)


@pytest.mark.slow
def test_a_replica_and_colours(tmp_path, stand_in_data):
  stand_in_data({'channels': 3})
  config = changed(_experiment('cgan'), {'replicas': 2, 'seed': 5})
  run = untrained(config, tmp_path, replica=1)
  run.save_pretrained(tmp_path / 'saved')
  generator = jaxgan.from_pretrained(tmp_path / 'saved')
  assert (generator.content.replica, generator.content.seed) == (1, 6)
  images, labels = generator.sample(9, balanced=True)
  np.testing.assert_array_equal(images, run.sample(9, balanced=True)[0])
  assert images.shape == (9, 8, 8, 3)
  assert np.bincount(labels).tolist() == [3, 3, 3]
  other = untrained(config, tmp_path, replica=0)
  assert (other.sample(9, balanced=True)[0] != images).any()


def test_a_trained_run(saved, finished, stand_in_data):
  generator = jaxgan.from_pretrained(saved)
  _assert_same_images(generator, jaxgan.load(finished[0]))
  noise, condition = generator.draw(jax.random.key(0), 2)
  assert (noise.shape, condition) == ((2, 8), None)
  slopes = jax.grad(lambda z: generator.apply(generator.variables, z).sum())(noise)
  assert float(np.abs(slopes).max()) > 0


def test_a_generator_inside_of_its_work_directory(saved, finished, tmp_path, stand_in_data):
  """Its config.json, here with a module that cannot be imported, is not of a job."""
  workdir = shutil.copytree(finished[0], tmp_path / 'work')
  for place in (workdir / 'generator', workdir / 'class_balancing/generator'):
    shutil.copytree(saved, place)
    text = (place / 'config.json').read_text()
    (place / 'config.json').write_text(text.replace('tests.support.small', 'no_such_module'))
  run = jaxgan.load(workdir)
  assert run.method == 'class_balancing'
  facts = read_facts(run.config, workdir, ['class_balancing'], prepare=False)
  assert facts.unreadable == ()
  assert not any('generator' in name for name in facts.folders)
  with pytest.raises(UserError, match=r'saved generator, which jaxgan\.from_pretrained opens'):
    jaxgan.load(saved)


def test_files_of_a_trained_run(saved, finished):
  names = {path.name for path in saved.iterdir()}
  assert names == {
    'README.md', 'config.json', 'generator.jax_export', 'model.safetensors', 'preview.png'
  }  # fmt: skip
  content = json.loads((saved / 'config.json').read_text())
  assert (content['method'], content['version']) == ('class_balancing', 1)
  assert content['modules'] == ['tests.support.small']
  assert content['labeller']['role'] == 'classifier'
  for path in (saved / 'config.json', saved / 'README.md'):
    assert str(finished[0]) not in path.read_text()
  assert Image.open(saved / 'preview.png').size[0] > 100


def test_a_saved_configuration_names_no_files():
  section = {'dataset': 'own/a', 'source': 'photos', 'options': {'split': 'a.csv', 'seed': 3}}
  own = {'data': section, 'theirs': '/home/me/weights', 'other': '~/weights', 'methods': ['a']}
  assert generator_folder.without_paths(own) == {
    'data': {'dataset': 'own/a', 'source': '', 'options': {'split': '', 'seed': 3}},
    'theirs': '',
    'other': '',
    'methods': ['a'],
  }


def test_weights_hold_what_sampling_reads(saved):
  from safetensors import numpy as safetensors

  names = set(safetensors.load_file(saved / 'model.safetensors'))
  parts = {'.'.join(name.split('.')[:2]) for name in names}
  assert parts == {'generator.ema', 'labeller.params', 'labeller.batch_stats'}


def test_the_card_has_the_numbers_of_the_evaluation(saved, finished):
  text = (saved / 'README.md').read_text()
  results = json.loads((finished[0] / 'class_balancing/evaluation.json').read_text())['results']
  assert f'| {results["kl_from_uniform"]:.3f} |' in text
  assert '| class\\_2 | 12 |' in text or '| class_2 | 12 |' in text
  assert 'Licence of this generator: cc-by-4.0.' in text
  assert '[^' not in text
  assert 'annotator accuracy' in text  # The protocol.


def test_the_hub_reads_the_card(saved):
  hub = pytest.importorskip('huggingface_hub')
  card = hub.ModelCard.load(saved / 'README.md')
  assert card.data.library_name == 'jaxgan'
  assert card.data.license == 'cc-by-4.0'
  assert card.data.pipeline_tag == 'unconditional-image-generation'
  assert 'class_balancing' in card.data.tags
  assert hub.metadata_load(saved / 'README.md') == card.data.to_dict()


def test_a_name_on_the_hub(saved, monkeypatch, tmp_path):
  hub = pytest.importorskip('huggingface_hub')
  monkeypatch.chdir(tmp_path)
  asked = []

  def download(repo_id, *, revision=None, allow_patterns=None):
    asked.append((repo_id, revision, allow_patterns))
    return str(saved)

  monkeypatch.setattr(hub, 'snapshot_download', download)
  generator = jaxgan.from_pretrained('user/clothes', revision='v1')
  assert asked == [('user/clothes', 'v1', ['config.json', '*.safetensors'])]
  assert generator.content.method == 'class_balancing'
  shutil.copytree(saved, tmp_path / 'user/clothes')
  jaxgan.from_pretrained('user/clothes')  # A local folder comes first.
  assert len(asked) == 1

  def fail(*arguments, **options):
    raise OSError('no network')

  monkeypatch.setattr(hub, 'snapshot_download', fail)
  with pytest.raises(UserError, match=r'user/boots: no such folder, and the Hugging Face Hub'):
    jaxgan.from_pretrained('user/boots')
  monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
  with pytest.raises(UserError, match='pip install huggingface_hub'):
    jaxgan.from_pretrained('user/boots')


def test_refusals_before_anything_is_written(saved, finished, tmp_path, stand_in_data, monkeypatch):
  run = jaxgan.load(finished[0])
  with pytest.raises(UserError, match='nothing is overwritten'):
    run.save_pretrained(saved)
  with pytest.raises(UserError, match=r"license='MIT License': expected an identifier"):
    run.save_pretrained(tmp_path / 'a', license='MIT License')
  monkeypatch.setattr(generator_saving, '_checked_images', lambda *_: 1 / 0)
  with pytest.raises(ZeroDivisionError):
    run.save_pretrained(tmp_path / 'a')
  assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_program_only_below_its_limit(tmp_path, stand_in_data, monkeypatch):
  monkeypatch.setattr(generator_saving, '_LARGEST', 10)
  untrained(_experiment('cgan'), tmp_path).save_pretrained(tmp_path / 'saved')
  assert not (tmp_path / 'saved' / generator_folder.PROGRAM).exists()
  assert 'jax.export' not in (tmp_path / 'saved/README.md').read_text()
