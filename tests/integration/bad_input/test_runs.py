"""Damaged work directories, checkpoints, classifiers, weights and evaluations."""

import copy
import io
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from tests.support import evaluations
from tests.support.bad_input.folders import ROOT
from tests.support.bad_input.sources import cifar10, half, json_with, mnist, npz
from tests.support.bad_input.tables import PREPARED, SMALL, Evil, argv

METHOD = 'elastic_infogan'
FASHION = f'--config={ROOT}/experiments/fashion_lt.py'


@pytest.fixture(scope='module')
def begun(command, tmp_path_factory):
  """A folder with a run of codes that is ready to train, and the folder of a classifier."""
  root = tmp_path_factory.mktemp('begun')
  source = npz(labels=None)(root / 'source')
  flags = (SMALL[0], '--config.algorithm.num_categories=2')
  codes = argv(root, source, 'elastic_infogan_folder', flags)
  assert command([*codes, f'--workdir={root}/run'], root)['status'] == 100
  assert command([FASHION, f'--workdir={root}/fashion'], root)['status'] == 100
  return root, codes


@pytest.fixture
def run(begun, tmp_path):
  """The method's folder in a work directory `run`, and the command line."""
  shutil.copytree(begun[0] / 'run', tmp_path / 'run')
  return tmp_path / 'run' / METHOD, [*begun[1], f'--workdir={tmp_path}/run']


def _config(change):
  def damage(folder):
    path = folder / 'config.json'
    path.write_bytes(change(path.read_bytes()) if callable(change) else change)

  return damage


def _fields(change):
  return _config(json_with(change))


UNKNOWN = 'long_tail_folder/own-012345/1.0.0/train/0'
_FIELDS = ': expected a section'
CONFIGS = {
  'no bytes': (_config(b''), 'config.json cannot be read .Expecting value'),
  'half': (_config(half), 'config.json cannot be read .*: restore it or use another'),
  'UTF-16': (_config(b'\xff\xfe{\0'), "config.json cannot be read .'utf-8' codec"),
  'a list': (_config(b'[]'), 'config.json cannot be read .it is not a JSON object'),
  'null': (_config(b'null'), 'config.json cannot be read .it is not a JSON object'),
  'too deep': (_config(b'[' * 100_000), 'config.json cannot be read .maximum recursion'),
  'other schema': (
    _fields(lambda c: c.update(schema=3)),
    'cannot be read .schema 3 belongs to another',
  ),
  'dots': (_fields(lambda c: c.update({'a.b': 3})), r'config.json.a\.b: there is no such field'),
  'no fields': (_config(b'{}'), 'expected a folder of a method'),
  'no algorithm': (_fields(lambda c: c.pop('algorithm')), 'config.json.algorithm is missing'),
  'no evaluation': (_fields(lambda c: c.pop('evaluation')), 'config.json.evaluation is missing'),
  'number for methods': (_fields(lambda c: c.update(methods=5)), 'methods=5: expected names'),
  'text for replicas': (_fields(lambda c: c.update(replicas='x')), "replicas='x': expected"),
  'other method': (_fields(lambda c: c.update(methods=['gan'])), r"methods=\('gan',\): expected"),
  'other family': (
    _fields(lambda c: c.update(methods=['cgan'])),
    "network='mnist': expected one of",
  ),
  'number for train': (_fields(lambda c: c.update(train=5)), f'config.json.train=5{_FIELDS}'),
  'number for data': (
    _fields(lambda c: c['data'].update(dataset=5)),
    'config.json.data.dataset=5: expected a string',
  ),
  'other source': (
    _fields(lambda c: c['data'].update(source='/nowhere') or c.update(images=UNKNOWN)),
    r'source /nowhere is missing, and so is .* from it, .*long_tail_folder/\*-012345: give',
  ),
  'NaN': (
    _fields(lambda c: c['algorithm'].update(noise_dim=float('nan'))),
    'noise_dim=nan: expected',
  ),
}


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.parametrize('mode', ['evaluate', 'sample'])
def test_remembered_configurations(name, mode, run, refused):
  damage, message = CONFIGS[name]
  damage(run[0])
  refused([f'--mode={mode}', f'--workdir={run[0].parent}'], message)


def _other_images(folder):
  shutil.copytree(folder, folder.parent / 'gumbel_softmax')
  _fields(lambda c: c.update(images='other'))(folder.parent / 'gumbel_softmax')


def _folder_instead(folder):
  (folder / 'config.json').unlink()
  (folder / 'config.json').mkdir()


@pytest.mark.parametrize(
  ('damage', 'flags', 'message'),
  [
    (
      lambda _: None,
      ['--config.seed=3'],
      r'run with another config \(seed was 0, is 3',
    ),
    (lambda _: None, ['--config.algorithm.noise_dim=3'], 'algorithm.noise_dim was 62, is 3'),
    (
      _fields(lambda c: c.update(images='x')),
      [],
      "other images: .* have changed .images was 'x'",
    ),
    (_config(b'{}'), [], r'another config .* and \d+ more'),
    (_config(b'[]'), [], 'config.json cannot be read .it is not a JSON object'),
    (_config(half), [], 'config.json cannot be read'),
    (_folder_instead, [], 'config.json cannot be read .*Is a directory'),
    (_other_images, [], 'gumbel_softmax belongs to a run on other images'),
  ],
  ids=['seed', 'field', 'images', 'nothing', 'list', 'half', 'folder', 'other method'],
)
def test_work_directories_of_others(damage, flags, message, run, refused):
  damage(run[0])
  refused([*run[1], *flags], message)


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--method=gan'], "method='gan': expected a method in .*: elastic_infogan"),
    (['--replica=5'], r'replica=5: expected a replica in 0\.\.0'),
    (['--checkpoint=latest'], r'no checkpoint in .*checkpoints: run jaxgan train first'),
    (['--checkpoint=-1'], r'no checkpoint in .*checkpoints: run jaxgan train first'),
    (['--out=there.npz'], '--out=there.npz exists: nothing is overwritten'),
    (['--out=there'], '--out=there exists: nothing is overwritten'),
  ],
  ids=lambda value: None if isinstance(value, str) else value[0],
)
def test_samples(flags, message, run, refused, tmp_path):
  (tmp_path / 'there').mkdir()
  (tmp_path / 'there.npz').write_text('mine')
  refused(['--mode=sample', f'--workdir={tmp_path}/run', *flags], message)


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--contents=topped_up'], 'topped_up: expected contents=synthetic for elastic_infogan'),
    (['--contents=real'], r'--contents=real: value should be one of <synthetic\|topped_up>'),
    (['--format=zip'], r'--format=zip: value should be one of <folders\|npz\|tfds>'),
    (['--images_per_class=0'], '--images_per_class=0: 0 is not a positive integer'),
    (['--images_per_class=many'], '--images_per_class=many: use a whole number'),
    (['--out=there'], '--out=there exists: nothing is overwritten'),
    ([], 'no checkpoint in .*checkpoints: run jaxgan train first'),
  ],
  ids=lambda value: None if isinstance(value, str) else '-'.join(value) or 'default',
)
def test_exports(flags, message, run, refused, tmp_path):
  (tmp_path / 'there').mkdir()
  refused(['--mode=export', f'--workdir={tmp_path}/run', *flags], message)


def _save(folder, state=None):
  from jaxgan.system import checkpoint

  with checkpoint.Checkpoints(folder / 'checkpoints', keep=1) as checkpoints:
    checkpoints.save(4, state or {'x': np.zeros(3)}, {}, None)


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    ([], 'checkpoints/4 is damaged or of another network'),
    (['--checkpoint=best'], 'checkpoints/4 is damaged or of another network'),
    (['--checkpoint=7'], r"checkpoint '7' is not in .*: use latest, best or one of \[4\]"),
    (['--checkpoint=newest'], "checkpoint 'newest' is not in .*: use latest, best or one of"),
  ],
  ids=lambda value: None if isinstance(value, str) else '-'.join(value) or 'default',
)
def test_checkpoints_of_another_shape(flags, message, run, refused):
  _save(run[0])
  refused(['--mode=sample', f'--workdir={run[0].parent}', *flags], message)


# Classifiers and weights that are given --------------------------------------------------------

_CLASSIFIERS = {
  'nothing': (None, 'holds no run .no config.json'),
  'no bytes': (b'', 'config.json cannot be read'),
  'a list': (b'[]', 'config.json cannot be read .it is not a JSON object'),
  'no fields': (b'{}', 'config.json.data is missing'),
  'number': (lambda c: c.update(algorithm=5), f'config.json.algorithm=5{_FIELDS}'),
  'list of networks': (
    lambda c: c['algorithm'].update(network=['resnet']),
    r"network=\['resnet'\]: expected one of resnet",
  ),
  'no train': (lambda c: c.pop('train'), 'config.json.train is missing'),
  'depth 9': (lambda c: c['algorithm'].update(depth=9), r'depth=9: expected 6n \+ 2'),
  'text for width': (lambda c: c['algorithm'].update(width='x'), "width='x': expected"),
  'no batch': (lambda c: c['train'].update(batch_size=0), 'batch_size=0: expected'),
  'other data': (lambda c: c['data'].update(dataset='letters'), "dataset 'letters' is unknown"),
  'no checkpoint': (lambda c: None, 'no checkpoint in .*checkpoints: run jaxgan train first'),
}


@pytest.mark.parametrize('name', _CLASSIFIERS)
@pytest.mark.parametrize('role', ['classifier', 'annotator'])
def test_folders_that_are_no_classifier(name, role, begun, refused, tmp_path):
  content, message = _CLASSIFIERS[name]
  (tmp_path / 'given').mkdir()
  if callable(content):
    content = json_with(content)((begun[0] / 'fashion' / 'classifier' / 'config.json').read_bytes())
  if content is not None:
    (tmp_path / 'given' / 'config.json').write_bytes(content)
  refused([FASHION, f'--config.{role}.folder={tmp_path}/given'], message)


def test_a_classifier_of_another_shape(begun, refused, tmp_path):
  shutil.copytree(begun[0] / 'fashion' / 'classifier', tmp_path / 'given')
  _save(tmp_path / 'given')
  message = 'checkpoints/4 is damaged or of another network'
  refused([FASHION, f'--config.classifier.folder={tmp_path}/given'], message)


def test_the_folder_of_a_method_is_no_classifier(run, refused):
  flag = f'--config.classifier.folder={run[0]}'
  refused([FASHION, flag], 'elastic_infogan is not the folder of a classifier')


def _archive(**members):
  data = io.BytesIO()
  with zipfile.ZipFile(data, 'w') as archive:
    for name, content in members.items():
      archive.writestr(name, content)
  return data.getvalue()


def _arrays(**arrays):
  data = io.BytesIO()
  np.savez(data, **arrays)
  return data.getvalue()


def _huge(name):
  """A small npz that declares an array of 10^12 numbers."""
  data = io.BytesIO()
  described = {'descr': '<f4', 'fortran_order': False, 'shape': (10**12,)}
  np.lib.format.write_array_header_1_0(data, described)
  return _archive(**{f'{name}.npy': data.getvalue() + bytes(96)})


_WEIGHTS = {
  'no bytes': (b'', 'npz is not an npz of arrays, or damaged'),
  'text': (b'hello', 'npz is not an npz of arrays, or damaged'),
  'code': (pickle.dumps(Evil()), 'npz is not an npz of arrays, or damaged'),
  'half': (half(_arrays(x=np.zeros(300))), 'npz is not an npz of arrays, or damaged'),
  'objects': (_arrays(x=np.array([Evil()], object)), 'npz is not an npz of arrays, or damaged'),
  'other arrays': (
    _arrays(x=np.zeros(3)),
    'the MNIST classifier are conv1.weight, .*, not x',
  ),
  'huge': (_huge('conv1.weight'), 'npz is not an npz of arrays, or damaged'),
}


@pytest.mark.parametrize('name', _WEIGHTS)
def test_weights_of_an_annotator(name, refused, tmp_path):
  content, message = _WEIGHTS[name]
  (tmp_path / 'given.npz').write_bytes(content)
  command = argv(tmp_path, mnist(tmp_path / 'source'), 'mnist_lt')
  flag = f'--config.annotator.folder={tmp_path}/given.npz'
  refused([*command, flag], f'^error: config.annotator.folder=.*{message}', PREPARED)


@pytest.mark.parametrize('name', ['no bytes', 'text', 'code', 'half'])
def test_weights_of_a_pretrained_classifier(name, refused, tmp_path):
  content, message = _WEIGHTS[name]
  (tmp_path / 'given.npz').write_bytes(content)
  config, *flags = argv(tmp_path, cifar10(tmp_path / 'source'), 'cifar10_lt')
  field = 'classifier.algorithm.weights'
  command = [f'{config}:classifier=few_labels', *flags, f'--config.{field}={tmp_path}/given.npz']
  refused(command, f'^error: config.{field}=.*{message}')


_INCEPTION = {
  'no bytes': (b'', 'not a PyTorch state_dict file, or damaged'),
  'code': (pickle.dumps(Evil()), r'refers to posix\.mkdir, which a state_dict .* does not need'),
  'code in a zip': (_archive(**{'a/data.pkl': pickle.dumps(Evil())}), r'refers to posix\.mkdir'),
  'eval': (_archive(**{'a/data.pkl': b'cbuiltins\neval\n(S"1"\ntR.'}), r'refers to builtins\.eval'),
  'no folder': (_archive(**{'data.pkl': b''}), 'a zip archive without <folder>/data.pkl'),
  'half': (half(_archive(**{'a/data.pkl': bytes(500)})), 'not a PyTorch state_dict file'),
}


@pytest.mark.parametrize('name', _INCEPTION)
def test_inception_weights(name, refused, tmp_path):
  content, message = _INCEPTION[name]
  (tmp_path / 'given.pth').write_bytes(content)
  refused([FASHION, f'--config.evaluation.inception_weights={tmp_path}/given.pth'], message)


# Reports ---------------------------------------------------------------------------------------


def _all(section, value):
  return lambda evaluation: evaluation[section].update(dict.fromkeys(evaluation[section], value))


_EVALUATIONS = {
  'no bytes': b'',
  'half': half,
  'UTF-16': b'\xff\xfe{\0',
  'a list': b'[]',
  'too deep': b'[' * 100_000,
  'no method': json_with(lambda e: e.pop('method')),
  'other method': json_with(lambda e: e.update(method='gan')),
  'list of methods': json_with(lambda e: e.update(method=['cgan'])),
  'no results': json_with(lambda e: e.pop('results')),
  'empty results': json_with(lambda e: e.update(results={})),
  'texts as results': json_with(_all('results', 'x')),
  'lists as results': json_with(_all('results', [])),
  'NaN as results': json_with(_all('results', float('nan'))),
  'no settings': json_with(lambda e: e.pop('settings')),
  'lists in the run': json_with(_all('run', [])),
  'fewer classes': json_with(lambda e: e['labels']['classes'].update(names=['a'])),
  'texts as counts': json_with(lambda e: e['labels']['classes'].update(counts=['x'] * 3)),
  'notes': json_with(lambda e: e.update(notes=5)),
}


@pytest.mark.parametrize('name', _EVALUATIONS)
@pytest.mark.parametrize('family', ['CLASS_BALANCE', 'CODES'])
def test_evaluations(name, family, refused, tmp_path):
  change = _EVALUATIONS[name]
  data = json.dumps(copy.deepcopy(getattr(evaluations, family))).encode()
  (tmp_path / 'run').mkdir()
  (tmp_path / 'run' / 'evaluation.json').write_bytes(change(data) if callable(change) else change)
  message = r'evaluation.json is damaged .*; run jaxgan evaluate again'
  refused(['--mode=report', f'{tmp_path}/run', f'--out={tmp_path}/report.md'], message)


@pytest.mark.parametrize(
  ('samples', 'out', 'message'),
  [
    (b'', 'report.md', 'code_samples.npz is damaged .BadZipFile'),
    (pickle.dumps(Evil()), 'report.md', 'code_samples.npz is damaged .BadZipFile'),
    (_arrays(images=np.zeros(3)), 'report.md', r'images are float64 \[3\]'),
    (_arrays(images=np.array([Evil()], object)), 'report.md', 'Object arrays cannot be loaded'),
    (_arrays(x=np.zeros(3)), 'report.md', 'code_samples.npz is damaged .KeyError'),
    (None, 'run', '--out=.*run: expected a Markdown or HTML file'),
    (None, 'file', '--out=.*file: expected a Markdown or HTML file'),
    (None, 'report.htm', 'report.htm: expected a Markdown or HTML file, for example report.md or'),
    (None, 'file/report.html', 'cannot write the report to .*file/report.html'),
    (None, 'file/report.md', 'cannot write the report to .*file/report.md'),
  ],
  ids=[
    'no bytes',
    'code',
    'shape',
    'objects',
    'other array',
    'folder',
    'another file',
    'another kind',
    'page below a file',
    'below a file',
  ],
)
def test_reports(samples, out, message, refused, tmp_path):
  evaluations.save(tmp_path / 'run', evaluations.CODES)
  (tmp_path / 'file').write_text('mine')
  if samples is not None:
    (tmp_path / 'run' / 'code_samples.npz').write_bytes(samples)
  refused(['--mode=report', f'{tmp_path}/run', f'--out={tmp_path}/{out}'], message)
