"""Networks whose features compare images, and the features of the reference images."""

from collections.abc import Callable
import functools
import pathlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data_prep.build import Arrays
from jaxgan.data import pixels
from jaxgan.errors import UserError
from jaxgan.networks import inception
from jaxgan.system import compilation, distributed, files, parallel

if TYPE_CHECKING:
  from jaxgan.training.classifiers import Classifier

_REFERENCE_BATCH = 256


class FeatureNetwork(NamedTuple):
  """A network whose features compare images.

  Attributes:
    name: 'inception', or the role of a classifier.
    metric: name of the Fréchet distance in the results, 'fid' or 'frechet_<role>'.
    key: identifies the network and its weights.
    resize: how images are resized to the network's input size.
    apply: `apply(variables, images uint8)` returns (logits `[N, K]` or None, features `[N, D]`).
    variables: the network's arrays.
  """

  name: str
  metric: str
  key: str
  resize: str
  apply: Callable
  variables: Any


def classifier_network(role: str, classifier: 'Classifier') -> FeatureNetwork:
  """Makes a feature network from a classifier, to use beside or in place of Inception-V3.

  Args:
    role: the role of the classifier, 'annotator' or 'recogniser'.
    classifier: the classifier.

  Returns:
    The feature network.
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


def inception_network(config: Any) -> FeatureNetwork | None:
  """Loads Inception-V3.

  Args:
    config: the `evaluation` section.

  Returns:
    The feature network, or None if its weights are neither configured nor found.

  Raises:
    UserError: `inception_weights` names a file or folder without the weights, or they are damaged.
  """
  path = inception.find_weights(config.inception_weights, download=config.download_inception)
  if path is None and config.inception_weights:
    raise UserError(
      f'config.evaluation.inception_weights={config.inception_weights}: expected the file '
      f'{inception.WEIGHTS_NAME} or its folder; leave the field empty to evaluate without FID.'
    )
  return None if path is None else _load_inception(path)


@functools.lru_cache(maxsize=1)  # A rule reads it before training, every evaluation again.
def _load_inception(path) -> FeatureNetwork:
  return FeatureNetwork(
    name='inception',
    metric='fid',
    key=inception.network_key(path),
    resize='bilinear to 299x299',
    apply=lambda variables, images: (None, inception.features(variables, images)),
    variables=inception.load_weights(path),
  )


def reference_features(network: FeatureNetwork, arrays: Arrays, cache: pathlib.Path) -> np.ndarray:
  """Computes a network's features of the reference images, cached on disk.

  Args:
    network: the feature network.
    arrays: the reference images.
    cache: folder of the cached features.

  Returns:
    float32 `[N, D]`.

  Raises:
    UserError: the cached file is damaged.
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
