"""Networks in whose features images are compared, and those of the reference images."""

from collections.abc import Callable
import functools
import pathlib
from typing import Any, NamedTuple

import numpy as np

from jaxgan.data import pixels
from jaxgan.errors import UserError
from jaxgan.networks import inception
from jaxgan.system import compilation, distributed, files, parallel

_REFERENCE_BATCH = 256


class FeatureNetwork(NamedTuple):
  """A network in whose features images are compared.

  Attributes:
    name: 'inception', or the role of a classifier.
    metric: name of the Fréchet distance in the results, 'fid' or 'frechet_<role>'.
    key: identifies network and weights.
    resize: how an image comes to the network's input size.
    apply: `apply(variables, images uint8) -> (logits [N, K] or None, features [N, D])`.
    variables: the network's arrays.
  """

  name: str
  metric: str
  key: str
  resize: str
  apply: Callable
  variables: Any


def classifier_network(role: str, classifier) -> FeatureNetwork:
  """The features of the annotator, or without labels of the recogniser: Inception's stand-ins.

  Args:
    role: of the classifier, 'annotator' or 'recogniser'.
    classifier: a `jaxgan.training.classifiers.Classifier`.
  """
  size = classifier.input_size
  return FeatureNetwork(
    name=role,
    metric=f'frechet_{role}',
    key=classifier.key,
    resize='none' if size is None else f'bilinear to {size}x{size}',
    apply=lambda variables, images: classifier.classify(variables, pixels.scale(images)),
    variables=classifier.variables,
  )


def inception_network(config) -> FeatureNetwork | None:
  """Inception-V3, or None where its weights are neither found nor configured.

  Args:
    config: the `evaluation` section.

  Raises:
    UserError: `inception_weights` names a file or folder that does not hold them, or holds
      damaged ones.
  """
  path = inception.find_weights(config.inception_weights, download=config.download_inception)
  if path is None and config.inception_weights:
    raise UserError(
      f'config.evaluation.inception_weights={config.inception_weights}: {inception.WEIGHTS_NAME} '
      'is not there; leave the field empty to evaluate without FID'
    )
  return None if path is None else _load_inception(path)


@functools.lru_cache(maxsize=1)  # Checked before training, used by every evaluation of a run.
def _load_inception(path) -> FeatureNetwork:
  return FeatureNetwork(
    name='inception',
    metric='fid',
    key=inception.network_key(path),
    resize='bilinear to 299x299',
    apply=lambda variables, images: (None, inception.features(variables, images)),
    variables=inception.load_weights(path),
  )


def reference_features(network: FeatureNetwork, arrays, cache: pathlib.Path) -> np.ndarray:
  """A network's features of the reference images, cached on disk.

  Args:
    network: the feature network.
    arrays: reference images, with the key of their data and split.
    cache: folder of the cached features.

  Returns:
    float32 `[N, D]`.
  """
  resize = network.resize.replace(' ', '-')
  name = f'{arrays.key}-{len(arrays.images)}-{resize}-{network.key}.npy'
  path = cache / ''.join(c if c.isalnum() or c in '-_.' else '_' for c in name)
  if distributed.gather(path.exists()).all():
    try:
      return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
      raise UserError(f'{path} is damaged ({error}): delete it') from error

  def one_batch(variables, batch):
    return network.apply(variables, parallel.along_batch(batch))[1]

  apply = functools.partial(compilation.jit(one_batch), network.variables)
  features = distributed.over_batches(apply, arrays.images, _REFERENCE_BATCH).astype(np.float32)
  files.save(path, np.save, features)
  return features
