"""A saved generator, away from its run: samples, and a pure function for users of JAX.

    import jaxgan
    generator = jaxgan.from_pretrained('boots')
    images, labels = generator.sample(100, balanced=True)

The folder alone is enough: no data set, classifier or checkpoint is read.
"""

from collections.abc import Mapping
import functools
import os
import pathlib
from typing import Any

import jax
import numpy as np

from data_prep.build import Arrays
from jaxgan.algorithms import Algorithm
from jaxgan.algorithms import classifier as classifier_lib
from jaxgan.config import section as section_lib
from jaxgan.data import training_data
from jaxgan.errors import UserError, first_line
from jaxgan.runs import families, generator_folder
from jaxgan.runs.experiment import MethodJob
from jaxgan.runs.facts import OWN, Facts, Images
from jaxgan.runs.generator_folder import GENERATOR, LABELLER, Content, named
from jaxgan.runs.inputs import Inputs
from jaxgan.runs.run import Samples
from jaxgan.system import files, parallel, registry
from jaxgan.training.classifiers import Classifier


def from_pretrained(name: str | os.PathLike[str], revision: str | None = None) -> 'Generator':
  """Opens a generator that `jaxgan save` or `Run.save_pretrained` has written.

  Args:
    name: the folder, or USER/NAME of a model on the Hugging Face Hub, which needs the package
      huggingface_hub. A local folder of this name comes first.
    revision: on the Hub, a branch, tag or commit; by default the newest commit.

  Returns:
    The Generator.

  Raises:
    UserError: the folder is missing or damaged, or a newer jaxgan or an own module is needed.
  """
  folder = _folder(name, revision)
  content = generator_folder.read_content(folder)
  path = folder / generator_folder.CONFIG
  registry.load_plugins()
  for module in content.modules:
    if module not in registry.registered():
      raise UserError(
        f'{path} needs {module}, which registers a part of the generator: import {module} before '
        'jaxgan.from_pretrained'
      )
  try:
    config = families.experiment(content.config, MethodJob)
    inputs, expected = _inputs(folder, content, config)
    algorithm, _ = inputs.algorithm(content.method)
    needed = read_leaves(algorithm)
    expected |= named_leaves(needed)
  except UserError as error:
    raise UserError(f'{path}: {error}') from error
  except Exception as error:  # Any type: networks built from foreign numbers.
    raise UserError(f'{path} describes no generator ({first_line(error)})') from error
  arrays = generator_folder.read_weights(folder, content.weights_sha256, expected)
  return Generator(content, inputs, algorithm, arrays)


def _folder(name, revision) -> pathlib.Path:
  """The local folder, or a snapshot of a repository of the Hub."""
  folder = files.expanded(name)
  if folder.exists() or str(name).count('/') != 1 or str(name).startswith(('.', '/', '~')):
    return folder
  try:
    import huggingface_hub
  except ImportError:
    raise UserError(
      f'{name}: no such folder. For a model of this name on the Hugging Face Hub, run '
      'pip install huggingface_hub'
    ) from None
  try:
    return pathlib.Path(
      huggingface_hub.snapshot_download(
        str(name), revision=revision, allow_patterns=[generator_folder.CONFIG, '*.safetensors']
      )
    )
  except Exception as error:  # Of the network, of access, of the cache.
    raise UserError(
      f'{name}: no such folder, and the Hugging Face Hub gives no such model ({first_line(error)})'
    ) from error


def _inputs(folder, content: Content, config) -> tuple[Inputs, dict]:
  """The Inputs of an evaluation without images, and {name: shape} of the labeller's weights."""
  none = np.empty((0, *content.image_shape), np.uint8)
  metadata = {'labelled': content.labelled, 'full_name': content.data}
  arrays = Arrays(none, np.empty(0, np.int32), content.class_names, metadata, content.data)
  images = Images(training_data.whole(arrays, config.replicas), arrays)
  mesh = parallel.device_mesh(config.replicas)
  facts = Facts(
    folder, (content.method,), mesh, (), {OWN: images}, {}, {}, frozenset(), unreadable=()
  )
  classifiers, expected = {}, {}
  if own := content.labeller:
    algorithm = _labelling(own, images.training)
    assert algorithm.classify is not None
    shapes = jax.eval_shape(algorithm.init, jax.random.key(0)).variables
    expected = named(shapes, LABELLER)
    classifiers[own.role] = Classifier(
      algorithm.classify, shapes, own.class_names, own.image_shape, own.accuracy, own.key
    )
  return Inputs(config, facts, classifiers), expected


def _labelling(labeller, data) -> Algorithm:
  """The algorithm whose `classify` labels images."""
  if 'methods' not in labeller.config:
    config = section_lib.checked(classifier_lib.ClassifierConfig, labeller.config, 'labeller')
    shape, num_classes = labeller.image_shape, len(labeller.class_names)
    return classifier_lib.classifier(config, shape, num_classes, steps_per_epoch=1)
  config = families.experiment(labeller.config, MethodJob, 'labeller')
  return families.family_of(config.methods).build(config, config.methods[0], data, {})[0]


def read_leaves(algorithm: Algorithm) -> tuple[Any, list[bool]]:
  """Finds the leaves of a state that `generate` reads.

  Args:
    algorithm: of a single replica.

  Returns:
    (the state, as shapes and types; for each leaf, whether `generate` reads it).
  """
  key = jax.random.key(0)
  state = jax.eval_shape(algorithm.init, key)

  def generate(state, rng):
    assert algorithm.generate is not None
    return algorithm.generate(state, rng, 2)

  jaxpr = jax.make_jaxpr(generate)(state, key).jaxpr
  read = {id(variable) for equation in jaxpr.eqns for variable in equation.invars}
  leaves = jax.tree.leaves(state)
  return state, [id(variable) in read for variable in jaxpr.invars[: len(leaves)]]


def named_leaves(needed: tuple[Any, list[bool]]) -> dict[str, Any]:
  """Names the leaves that `generate` reads; see `read_leaves`."""
  state, read = needed
  leaves = named(state, GENERATOR)
  return {name: leaf for (name, leaf), is_read in zip(leaves.items(), read, strict=True) if is_read}


class Generator(Samples):
  """A saved generator with the label names and sampling of its run.

  Attributes:
    content: config.json: method, step, seed, classes, versions and the training configuration.
    config: the configuration of the training, without paths.
    method: the name of the method.
    inputs: the Inputs of its evaluation, without images.
    variables: {name: array}, all that `apply` reads.
  """

  def __init__(
    self, content: Content, inputs: Inputs, algorithm: Algorithm, weights: Mapping[str, np.ndarray]
  ):
    """Puts the weights on the devices; see `from_pretrained`."""
    self.content, self.inputs, self._algorithm = content, inputs, algorithm
    self.config, self.method = inputs.config, content.method
    mesh = parallel.replicated(inputs.mesh)
    state, _ = read_leaves(algorithm)
    self._names, self._tree = list(named(state, GENERATOR)), jax.tree.structure(state)
    self.variables = parallel.put({n: weights[n] for n in self._names if n in weights}, mesh)
    if content.labeller:
      role = content.labeller.role
      classifier = inputs.classifiers[role]
      shapes = named(classifier.variables, LABELLER)
      filled = jax.tree.unflatten(
        jax.tree.structure(classifier.variables), [weights[name] for name in shapes]
      )
      own = classifier._replace(variables=parallel.put(filled, mesh))
      inputs.classifiers = {role: own}

  def __repr__(self) -> str:
    """Names the method, the step and the experiment."""
    own = self.content
    return f'<Generator of {own.experiment}: {own.method}, step {own.step}>'

  @property
  def label_names(self) -> tuple[str, ...]:
    """The names of the labels that `sample` returns: classes or codes."""
    return self.content.label_names

  @property
  def labelled_by(self) -> str:
    """The origin of these labels: the key of a classifier, or the codes."""
    return self.content.labelled_by

  def _sampler(self, balanced, chosen):
    observer = self.inputs.evaluation(self.method).observer
    # The weights are of a settled state, so that the observer draws from them directly.
    return observer.sampler(self._state(self.variables), balanced, chosen)

  def draw(self, rng: jax.Array, num_images: int) -> tuple[jax.Array, jax.Array | None]:
    """Draws inputs of `apply`.

    Args:
      rng: key.
      num_images: N.

    Returns:
      (noise `[N, Z]`, labels int `[N]`, codes `[N, k + r]` or None, whatever the generator reads).

    Raises:
      UserError: the method does not separate its random inputs from its network.
    """
    self._check_decodes()
    assert self._algorithm.draw is not None
    return self._algorithm.draw(self._state(self.variables), rng, num_images)

  def apply(self, variables: Mapping[str, Any], noise: Any, condition: Any = None) -> jax.Array:
    """Generates images from given inputs: a pure function, for `jax.jit`, `jax.grad` and others.

    Args:
      variables: of the form of the attribute `variables`.
      noise: `[N, Z]`, usually N(0, I).
      condition: labels or codes, as `draw` returns them; None for an unconditional generator.

    Returns:
      Images `[N, H, W, C]` in [-1, 1].

    Raises:
      UserError: see `draw`.
    """
    self._check_decodes()
    assert self._algorithm.decode is not None
    return self._algorithm.decode(self._state(variables), noise, condition)

  @functools.cached_property
  def input_shapes(self) -> tuple[Any, Any]:
    """Shapes and types of noise and condition for two images, or None; see `draw`."""
    return jax.eval_shape(lambda rng: self.draw(rng, 2), jax.random.key(0))

  @property
  def decodes(self) -> bool:
    """Whether `draw` and `apply` are available: for all methods of jaxgan."""
    return self._algorithm.draw is not None and self._algorithm.decode is not None

  def _check_decodes(self) -> None:
    if not self.decodes:
      raise UserError(f'{self.content.method} has no draw and decode, only sample can be used')

  def _state(self, variables) -> Any:
    """The state of the algorithm; None in place of every array that `generate` does not read."""
    return jax.tree.unflatten(self._tree, [variables.get(name) for name in self._names])
