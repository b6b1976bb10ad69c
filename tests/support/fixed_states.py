"""States whose weights are drawn by NumPy, and the classifiers that judge their images.

Nothing here is trained and nothing depends on how JAX initialises networks, so their evaluations
can be stored and compared with the evaluations of later versions.

    python -m tests.support.fixed_states

writes the evaluations anew; `test_fixed_states` compares with them.
"""

import json
import pathlib
import tempfile
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.config.overrides import changed
from jaxgan.data import loading, pixels
from jaxgan.evaluation import features
from jaxgan.runs import families
from jaxgan.training import classifiers
from tests.support import registered, stand_in

STORED = pathlib.Path(__file__).parent / 'fixed_states.json'
STEP = 1000
UNLABELLED = {'metadata': {'labelled': False}, 'num_classes': 1}
CODES = ('code_0', 'code_1', 'code_2')


def _codes(method, **algorithm):
  config = stand_in.tiny_codes(method)
  changes = {f'algorithm.{field}': value for field, value in algorithm.items()}
  return changed(config, {**changes, 'evaluation.images_per_code': 60})


def _classes(config, **evaluation):
  values = {'cas': False, 'samples': 400, **evaluation}
  return changed(config, {f'evaluation.{field}': value for field, value in values.items()})


# name -> (configuration, shape of the stand-in data).
CASES = {
  'class_balancing': (lambda: _classes(stand_in.tiny()), {'n': 90}),
  'resamplings': (lambda: _classes(stand_in.tiny(), resamplings=3), {}),
  'code_balancing': (lambda: _classes(stand_in.tiny_balanced()), {}),
  'code_balancing_unlabelled': (lambda: _classes(stand_in.tiny_balanced()), UNLABELLED),
  'elastic_infogan': (lambda: _codes('elastic_infogan', num_continuous=1), {}),
  'gumbel_softmax_unlabelled': (lambda: _codes('gumbel_softmax', num_categories=4), UNLABELLED),
  'joint_vae': (lambda: _codes('joint_vae', num_categories=5), {}),
}


def _filled(tree, seed):
  """A tree like another one, its floats drawn anew; variances stay positive."""
  rng = np.random.default_rng(seed)

  def fill(path, leaf):
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
      return np.zeros(leaf.shape, leaf.dtype)
    values = 0.6 * rng.standard_normal(leaf.shape)
    values = 0.5 + np.abs(values) if 'var' in jax.tree_util.keystr(path) else values
    return values.astype(leaf.dtype)

  return jax.tree_util.tree_map_with_path(fill, tree)


def _classifier(role, names, seed):
  """A linear classifier whose classes are balanced by no training."""
  rng = np.random.default_rng(seed)
  variables = {
    'logits': rng.standard_normal((64, len(names))).astype(np.float32),
    'features': 0.2 * rng.standard_normal((64, 6)).astype(np.float32),
  }

  def classify(variables, images):
    flat = images.reshape(len(images), -1)
    features = jnp.tanh(jnp.matmul(flat, variables['features'], precision='highest'))
    return jnp.matmul(flat, variables['logits'], precision='highest'), features

  protocol = {'loss': 'cross_entropy', 'checkpoint': 'latest', 'step': 9}
  known = role != 'recogniser'
  return classifiers.Classifier(
    classify,
    variables,
    names,
    (8, 8, 1),
    0.75 if known else None,
    f'{role}-fixed',
    protocol=protocol if known else {},
  )


def _inception(config):
  """A stand-in for Inception-V3, whose weights are not here."""
  del config
  variables = np.random.default_rng(7).standard_normal((64, 5)).astype(np.float32)

  def apply(variables, images):
    flat = pixels.scale(images).reshape(len(images), -1)
    return None, jnp.sin(jnp.matmul(flat, variables, precision='highest'))

  return features.FeatureNetwork('inception', 'fid', 'inception-fixed', 'none', apply, variables)


def _setup(config, workdir):
  """What an evaluation asks of `jaxgan.runs.inputs.Inputs`; its classifiers are not trained."""
  data = loading.load_training(config.data)
  family, labelled = families.family_of(config.methods), data.labelled
  roles = family.roles(config, config.methods, labelled)
  classifiers = {
    role: _classifier(role, CODES if role == 'recogniser' else data.class_names(0), seed)
    for seed, role in enumerate(('classifier', 'annotator', 'recogniser'))
    if role in roles
  }
  return types.SimpleNamespace(
    config=config,
    workdir=workdir,
    data=data,
    family=family,
    classifiers=classifiers,
    classifier=classifiers.get('classifier'),
    annotator=classifiers.get('annotator'),
    agreement={},
    evaluation_rng=lambda replica: jax.random.fold_in(jax.random.key(replica), 1),
  )


def evaluate(name: str, folder: pathlib.Path):
  """(What is logged, its score, the final evaluation) of the fixed state of a case."""
  make, shape = CASES[name]
  with pytest.MonkeyPatch.context() as monkeypatch:
    stand_in.use_stand_in_data(monkeypatch)(dict(shape))
    monkeypatch.setattr(features, 'inception_network', _inception)
    config = make()
    setup, (method,) = _setup(config, folder), config.methods
    algorithm, _ = setup.family.build(config, method, setup.data, setup.classifiers)
    state = _filled(jax.eval_shape(algorithm.init, jax.random.key(0)), seed=3)
    evaluation = setup.family.evaluate(setup, method, algorithm)
    values, score = evaluation.periodic(state, 0)
    (folder / method).mkdir()
    evaluation.write(folder / method, STEP, state, 0)
  return values, score, json.loads((folder / method / 'evaluation.json').read_text())


def main():
  """Writes the evaluations of all cases."""
  found = {}
  for name in CASES:
    with registered.imported('tests.support.small'), tempfile.TemporaryDirectory() as folder:
      values, score, evaluation = evaluate(name, pathlib.Path(folder))
    del evaluation['run']['hardware'], evaluation['run']['jax']
    found[name] = {'logged': values, 'score': score, 'evaluation': evaluation}
  STORED.write_text(json.dumps(found, indent=1) + '\n')


if __name__ == '__main__':
  main()
