"""Observer of GANs: draws images, which judges label and compare with real images."""

from collections.abc import Callable, Sequence
import functools
import pathlib
from typing import Any

import jax
import numpy as np

from jaxgan.algorithms import Algorithm, gan_methods, regularisers
from jaxgan.algorithms.ema_statistics import IN_WORDS
from jaxgan.data import loading, pixels
from jaxgan.evaluation import agreement, quality
from jaxgan.evaluation.cas import Score
from jaxgan.evaluation.judges import KINDS, Judged, Judges
from jaxgan.evaluation.record import IMAGES_FILE, NEAREST_FILE, ONE_NETWORK
from jaxgan.metrics import fid
from jaxgan.system import compilation, distributed, files
from jaxgan.training import classifiers

_KEPT = 512  # evaluation images kept for pictures
_SCORES = ('fid', 'frechet_recogniser', 'frechet_annotator')  # The first available one counts.
_COUNTING = (  # Fields that ablations change.
  'count_start', 'cycle_start', 'count_update', 'count_decay', 'count_cycle'
)  # fmt: skip
# The fields of a record about a classifier that differ between the runs of an experiment.
_VARYING = ('accuracy', 'accuracy_low', 'accuracy_high', 'test_images', 'step')


class Observer:
  """Draws images from the states of a GAN; never changes a state; compiled once."""

  def __init__(self, inputs: Any, method: str, algorithm: Algorithm, roles: Sequence[str]):
    """Builds the programs; compiles nothing.

    Args:
      inputs: the `jaxgan.runs.inputs.Inputs` of the experiment.
      method: the method.
      algorithm: its Algorithm.
      roles: the roles of the classifiers that the method and its evaluation need.
    """
    self._inputs, self._method, self._algorithm, self._roles = inputs, method, algorithm, roles
    judging = {'annotator', gan_methods.METHODS[method].classifier}
    if 'annotator' not in inputs.classifiers:
      judging.add('recogniser')
    # The classifiers that evaluate. With labels, a recogniser evaluates only methods that use it.
    self._measuring = {
      role: inputs.classifiers[role]
      for role in KINDS
      if role in judging & inputs.classifiers.keys()
    }

    draw = algorithm.generate
    assert draw is not None

    def generate(state, rng, num_images, ema=True):
      return pixels.to_uint8(draw(state, rng, num_images, ema))

    def generate_labelled(state, rng, num_images):
      rng, label_rng = jax.random.split(rng)
      labels = jax.random.randint(label_rng, (num_images,), 0, inputs.data.num_classes)
      return pixels.to_uint8(draw(state, rng, num_images, labels=labels)), labels

    self._judges, self._probabilities = {}, None
    self._compiled = functools.cache(classifiers.compile_classify)
    self.settled = compilation.jit(algorithm.settled)
    self.generate = compilation.jit(generate, static_argnums=(2, 3))
    self._generate_labelled = compilation.jit(generate_labelled, static_argnums=2)

    def generate_chosen(state, rng, num_images, chosen):
      rng, label_rng = jax.random.split(rng)
      labels = chosen[jax.random.randint(label_rng, (num_images,), 0, len(chosen))]
      return pixels.to_uint8(draw(state, rng, num_images, labels=labels)), labels

    self._generate_chosen = compilation.jit(generate_chosen, static_argnums=2)

  def judges(self, replica: int) -> Judges:
    """Returns the judges of a replica; replicas with the same images share them."""
    key = self._inputs.data.keys[replica]
    if key not in self._judges:
      arrays = self._inputs.data.replica_arrays(replica)
      self._judges[key] = Judges(self._inputs, self._algorithm, self._measuring, arrays)
    return self._judges[key]

  def num_images(self, periodic: bool) -> int:
    """Returns how many images an evaluation draws."""
    config = self._inputs.config.evaluation
    return config.periodic_samples if periodic else config.samples

  def observe(
    self,
    state: Any,
    replica: int,
    rng: jax.Array,
    num_images: int,
    needs: frozenset[str] = frozenset(),
    score: Score | None = None,
  ) -> Judged:
    """Draws images from the EMA generator of a settled state.

    Args:
      state: the state.
      replica: the replica whose judges see the images.
      rng: key; the same key gives the same images.
      num_images: the number of images.
      needs: needs of the metrics to measure; features are kept only if needed.
      score: the classification accuracy score of the images in a final evaluation.

    Returns:
      The argument of the metrics.
    """
    judges, batch_size = self.judges(replica), self._inputs.config.evaluation.batch_size

    def batches():
      for i, start in enumerate(range(0, num_images, batch_size)):
        images, *seen = judges.one_batch(judges.variables, state, jax.random.fold_in(rng, i))
        yield images if start < _KEPT else None, *seen

    drawn, moments = [], dict.fromkeys(judges.networks)
    for i, batch in enumerate(distributed.each_to_host(batches())):
      size = min(batch_size, num_images - i * batch_size)
      images, labels, features = jax.tree.map(lambda x, n=size: x[:n], batch)
      moments = {name: fid.accumulate(moments[name], f) for name, f in features.items()}
      drawn.append((images, labels, features if 'features' in needs else {}))
    images, labels, features = zip(*drawn, strict=True)
    images = np.concatenate([batch for batch in images if batch is not None])[:_KEPT]
    return Judged(judges, images, _joined(labels), moments, _joined(features), score)

  def score_sampler(self, state: Any) -> tuple[Callable, str]:
    """Returns (sample, origin of its labels) for the classification accuracy score."""
    # A score is tested on real classes, so that its images need labels by class, not codes.
    labeller = self._inputs.classifier or self._inputs.annotator
    sample, _, labelled_by = self._sampler(self.settled(state), labeller)
    if 'recogniser' in self._measuring:
      labelled_by += ', trained with labels that the method does not read'
    return sample, labelled_by

  def score(self, results: dict[str, Any]) -> float:
    """Returns the score that ranks checkpoints: the negative Fréchet distance.

    The features of a recogniser are preferred to the annotator's: labels for evaluation only must
    not select a checkpoint.
    """
    return -next(results[name] for name in _SCORES if results.get(name) is not None)

  def record_fields(self, judged: Judged, replica: int, step: int) -> dict[str, Any]:
    """Returns the fields of a record other than the results."""
    judges = self.judges(replica)
    score = judged.score or Score(0.0, {}, {})
    fields = classifier_fields('annotator', self._inputs.annotator)
    own, notes = gan_methods.METHODS[self._method].classifier, judges.notes
    if 'classifier' in self._roles:
      fields |= classifier_fields('classifier', self._inputs.classifier)
    if own == 'classifier' and agreement.are_one(self._inputs.classifiers):
      notes = (ONE_NETWORK, *notes)
    varying = {f'{role}_{name}' for role in ('annotator', 'classifier') for name in _VARYING}
    run = {name: fields.pop(name) for name in tuple(fields) if name in varying}
    if 'classifier' in self._roles:
      run |= self._inputs.agreement
    run['feature_network'] = ', '.join(f'{n.metric}: {n.key}' for n in judges.networks.values())
    if 'recogniser' in self._measuring:
      run['recogniser'] = self._measuring['recogniser'].key
    return {
      'published': dict(self._inputs.config.published or ()).get(self._method),
      'settings': self._settings(judges) | fields | score.settings,
      'run': run | score.run,
      'labels': judges.label_sets,
      'notes': notes,
    }

  def _settings(self, judges) -> dict:
    """Returns the settings of training and measurement."""
    config, method = self._inputs.config, gan_methods.METHODS[self._method]
    algorithm, num_reference = config.algorithm, len(judges.reference.images)
    loop = ('effective_labels',) if method.classifier and method.labels == 'effective' else ()
    if method.classifier:
      loop = (gan_methods.GUIDANCE[method.guidance].weight, *_COUNTING, *loop)
    settings = {
      'data': judges.arrays.key,
      'reference': judges.reference.key,
      'reference_images': num_reference,
      'samples': config.evaluation.samples,
      'network': algorithm.network,
      'loss': algorithm.loss,
      **method._asdict(),
      **{field: getattr(algorithm, field) for field in loop},
      **regularisers.protocol(algorithm),
      'generator': 'ema',
      'batch_norm': IN_WORDS[config.evaluation.ema_statistics],
      'resize': ', '.join(f'{n.metric}: {n.resize}' for n in judges.networks.values()),
      **quality.protocol(config.evaluation.samples, num_reference),
    }
    if judges.weights is not None:
      settings['reference_weights'] = quality.EVERY_CLASS_EQUALLY
    if loading.RELEASED in judges.reference.metadata:  # A data set with two references.
      settings['reference_choice'] = config.evaluation.reference
    if 'codes' in judges.label_sets:
      settings['codes'] = len(judges.label_sets['codes'].names)
    return {n: list(v) if isinstance(v, tuple) else v for n, v in settings.items()}

  def save(self, folder: pathlib.Path, state: Any, judged: Judged, replica: int) -> None:
    """Writes the images for pages."""
    images, (labels, *_) = judged.images, judged.labels.values()
    files.save(
      folder / IMAGES_FILE, np.savez_compressed, images=images, labels=labels[: len(images)]
    )
    if 'classes' in judged.has:
      files.save(folder / NEAREST_FILE, np.savez_compressed, **judged.nearest[1])

  def sampler(
    self, state: Any, balanced: bool, chosen: Sequence[int] | None = None
  ) -> tuple[Callable, tuple[str, ...], str]:
    """Returns a function that draws labelled images of a settled state; see `evaluate`."""
    # `balanced` changes nothing: classes are drawn uniformly or by the generator alone.
    return self._sampler(state, self._labeller(), chosen)

  def _labeller(self) -> classifiers.Classifier | None:
    """The classifier that labels images; without labels, images are labelled by codes."""
    own, known = self._measuring.get('recogniser'), self._inputs.classifiers
    return own or known.get('classifier') or known.get('annotator')

  def confidence(self, state: Any) -> Callable | None:
    """Returns the labeller's probability of the labels; see `evaluate.Evaluation.confidence`."""
    del state
    labeller, columns = self._labeller(), None
    if labeller is None:
      return None
    if self._algorithm.class_conditional:  # Labels are classes of the data, not of the labeller.
      columns = classifiers.class_positions(labeller.class_names, self._inputs.data, 0)
      if columns is None:
        return None
    if self._probabilities is None:

      def probabilities(variables, images):
        return jax.nn.softmax(labeller.classify(variables, images)[0])

      self._probabilities = classifiers.compile_outputs(probabilities)
    classify = self._probabilities

    def confidence(images, labels):
      columns_of = labels if columns is None else columns[labels]
      return classify(labeller.variables, images)[np.arange(len(labels)), columns_of]

    return confidence

  def _sampler(self, state, labeller, chosen=None):
    """Labels images by the class of a conditional generator, or else by a classifier."""
    if self._algorithm.class_conditional:
      asked = None if chosen is None else np.array(chosen, np.int32)

      def sample_labelled(rng, num_images):
        if asked is None:
          return distributed.to_host(self._generate_labelled(state, rng, num_images))
        return distributed.to_host(self._generate_chosen(state, rng, num_images, asked))

      return sample_labelled, self._inputs.data.class_names(0), 'the classes asked for'
    classify = self._compiled(labeller.classify)

    def sample(rng, num_images):
      images = distributed.to_host(self.generate(state, rng, num_images))
      return images, classify(labeller.variables, images)[0]

    return sample, labeller.class_names, labeller.key


def classifier_fields(role: str, classifier: classifiers.Classifier | None) -> dict[str, Any]:
  """Returns the accuracy, see `agreement.accuracy_fields`, and the protocol of a classifier."""
  protocol = classifier.protocol if classifier else {}
  named = {f'{role}_{name}': value for name, value in protocol.items()}
  return agreement.accuracy_fields(role, classifier) | named


def _joined(batches: Sequence[dict]) -> dict:
  """{name: the arrays of all batches, joined}."""
  return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
