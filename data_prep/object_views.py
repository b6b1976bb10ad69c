"""Ten objects seen from many views, in Elastic-InfoGAN's imbalance draws: 3D Cars and 3D Chairs.

The configs of both data sets, by their 'train' split:

  set_S_draw_D    a seeded choice of the views of set S's ten objects, draw D; S and D are 0..4
  set_S_pool      all views of the ten: replicas share it and index it with `draw_indices`
  set_S_full      80 % of the views of each, for the evaluation classifier

Their 'test' split is always the 20 % that `full` lacks. Ojha et al. 2020 draw from all views, so it
overlaps set_S_draw_D and pool: it is there for the evaluation classifier alone.

Of the ten class frequencies of a draw the paper prints five. They are those of the first five
classes here; the other five are drawn once with a fixed seed, see `proportions`.
"""

from collections.abc import Callable, Iterable
import functools
from importlib import resources
import json
from pathlib import Path
import re
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from data_prep.array_builder import ArrayBuilder, Recipe, ReplicaSplits, Split
from data_prep.long_tail import hold_out, select_indices
from jaxgan.errors import UserError

SEED = 0
NUM_SETS, NUM_DRAWS, NUM_CLASSES = 5, 5, 10
IMAGE_SIZE = 64


class Collection(NamedTuple):
  """A data set of objects: its name and how many views each object has."""

  dataset: str
  views: int


class Objects(NamedTuple):
  """The ten objects of a set, as a source has them.

  names in class order; places: the number of each object in its source; folders or files that
  hold them; read(k, views) gives those views of object k, uint8 [64, 64, 3], one after another.
  """

  names: tuple[str, ...]
  places: tuple[int, ...]
  files: tuple[str, ...]
  kind: str
  pixels: str
  read: Callable[[int, np.ndarray], Iterable[np.ndarray]]


class Config(NamedTuple):
  """A config's name in parts.

  part is 'draw', 'pool' or 'full', draw None for the latter two, contents '' for published data.
  """

  part: str
  set: int
  draw: int | None
  contents: str


class ObjectViews(ArrayBuilder, skip_registration=True):
  """Elastic-InfoGAN's sets of ten objects (Ojha et al. 2020), 64x64.

  The 'train' split of set_S_draw_D is drawn from all views and overlaps the 'test' split, 20 % of
  the views: that is for the evaluation classifier, trained on set_S_full. The files of one object
  are read at a time.
  """

  image_shape = (IMAGE_SIZE, IMAGE_SIZE, 3)
  collection: Collection

  def __init__(self, *, objects: Objects, **kwargs):
    self.class_names = objects.names
    self._objects = objects
    super().__init__(**kwargs)

  def read_splits(self, dl_manager):
    del dl_manager
    objects, collection = self._objects, self.collection
    config = parse_config(collection, self.builder_config.name)
    labels = np.repeat(np.arange(NUM_CLASSES), collection.views)
    everything = np.arange(len(labels))
    test = hold_out(labels, NUM_SETS * NUM_DRAWS + config.set)
    train = {
      'draw': lambda: draw_indices(labels, collection, config.set, config.draw),
      'pool': lambda: everything,
      'full': lambda: np.setdiff1d(everything, test),
    }[config.part]()
    counts = np.bincount(labels[train])
    drawn = config.draw is not None
    facts = {
      'source_kind': objects.kind,
      'pixels': objects.pixels,
      'order': 'by object of the set, then view',
      'files': list(objects.files),
      'set': config.set,
      'draw': config.draw,
      # In thousandths; the paper prints the first five, the others are drawn with a fixed seed.
      'proportions': proportions(collection, config.draw) if drawn else None,
      'imbalance_ratio': float(counts.max() / counts.min()) if drawn else None,
      'n_max': int(counts.max()),
      'seed': SEED,
    }
    return {
      name: Split(self._images(at), labels[at], self._places(at))
      for name, at in (('train', train), ('test', test))
    }, facts

  def _images(self, positions):
    views = self.collection.views
    for k in range(NUM_CLASSES):
      yield from self._objects.read(k, positions[positions // views == k] % views)

  def _places(self, positions):
    """Where images lie in the source: all views of its object 0, of object 1, ..."""
    views = self.collection.views
    return np.array(self._objects.places)[positions // views] * views + positions % views


def object_ids(collection: Collection, set_number: int) -> list[str]:
  """The paper's ids of the ten objects of a set, in class order."""
  return list(published(collection.dataset)['sets'][set_number])


def proportions(collection: Collection, draw: int) -> list[int]:
  """The ten class frequencies of an imbalance draw, in thousandths, with the sum 1,000.

  The first five are printed in the paper (supplement 5.2 and 5.3), the other five are not: what is
  left to 1 is shared out among them by weights in [0.2, 1.8), from the raw 64-bit stream of
  PCG64(SeedSequence([0, draw, views])).

  Args:
    collection: cars or chairs.
    draw: 0..4, the paper's row.

  Returns:
    10 whole numbers in class order.
  """
  printed = [round(1000 * p) for p in published(collection.dataset)['proportions'][draw]]
  seed = np.random.SeedSequence([SEED, draw, collection.views])
  words = np.random.PCG64(seed).random_raw(NUM_CLASSES - len(printed))
  weights = 0.2 + 1.6 * (words / 2.0**64)
  ends = np.rint(np.cumsum(weights) / weights.sum() * (1000 - sum(printed)))
  return printed + np.diff(ends, prepend=0).astype(int).tolist()


def draw_counts(collection: Collection, draw: int) -> list[int]:
  """Images of each class in a draw: all views of the most frequent one, the others in proportion.

  n_k = floor(views p_k / max p). The floor is exact, the p are thousandths.
  """
  shares = proportions(collection, draw)
  return [collection.views * share // max(shares) for share in shares]


def draw_indices(
  labels: np.ndarray, collection: Collection, set_number: int, draw: int
) -> np.ndarray:
  """The images of a draw, chosen for each set and draw anew.

  On the arrays of the config set_S_pool, `images[draw_indices(labels, collection, S, D)]` is the
  'train' split of the config set_S_draw_D.

  Args:
    labels: int [10 views], of the pool.
    collection: cars or chairs.
    set_number: 0..4.
    draw: 0..4.

  Returns:
    int64 [n] positions in the pool, ascending.
  """
  return select_indices(labels, draw_counts(collection, draw), NUM_DRAWS * set_number + draw)


def replica_splits(collection: Collection, config: str, num_replicas: int) -> ReplicaSplits | None:
  """As many draws of a set as there are replicas, from set_S_draw_D on; None for other configs.

  Replicas stay within a set: a run has one list of classes and one evaluation classifier, and
  each set has its own.

  Raises:
    UserError: an unknown config, or they would go beyond draw 4.
  """
  first = parse_config(collection, config)
  if first.draw is None:
    return None
  if first.draw + num_replicas > NUM_DRAWS:
    raise UserError(
      f'{collection.dataset} has the draws set_{first.set}_draw_0 .. draw_{NUM_DRAWS - 1} of set '
      f'{first.set}: {num_replicas} replicas from draw_{first.draw} on are too many (replicas); '
      'another set has other classes and is a run of its own'
    )
  draws = range(first.draw, first.draw + num_replicas)
  prefix, end = f'{collection.dataset}/set_{first.set}', first.contents and f'-{first.contents}'
  return ReplicaSplits(
    f'{prefix}_pool{end}',
    tuple(f'{prefix}_draw_{draw}{end}' for draw in draws),
    tuple(
      functools.partial(draw_indices, collection=collection, set_number=first.set, draw=draw)
      for draw in draws
    ),
  )


def parse_config(collection: Collection, config: str) -> Config:
  """The parts of a config's name.

  Raises:
    UserError: there is no such config.
  """
  found = re.fullmatch(r'set_([0-4])_(?:draw_([0-4])|(pool|full))(?:-([0-9a-f]{10}))?', config)
  if not found:
    allowed = ', '.join(f'{collection.dataset}/set_S_{part}' for part in ('draw_D', 'full', 'pool'))
    raise UserError(
      f'dataset {collection.dataset}/{config} is unknown; allowed: {allowed}, with S and D in 0..4'
    )
  number, draw, part, contents = found.groups()
  return Config(part or 'draw', int(number), int(draw) if draw else None, contents or '')


def recipe(
  builder: type[ObjectViews],
  open_set: Callable[[str, int], Objects],
  config: str,
  source: str,
  contents: str = '',
) -> Recipe:
  """See `data_prep.array_builder.Recipe`; the source is needed to prepare the data only.

  Args:
    builder: of the data set.
    open_set: (source, set) to its objects, checked.
    config: of the data set.
    source: the user's.
    contents: '' for the published data; else 10 hexadecimal digits of the source's own, which
      then end the config's name, so that no other data is taken for the published one.
  """
  collection = builder.collection
  parsed = parse_config(collection, config)
  if source:
    base = config.partition('-')[0]
    name = f'{base}-{contents}' if contents else base
    if config not in (base, name):
      raise UserError(f'dataset {collection.dataset}/{config}: source {source} makes {name}')
    config = name

  def make(data_dir):
    if parsed.contents and not source:
      raise UserError(
        f'{collection.dataset}/{config} is not prepared in {data_dir}: give its source'
      )
    objects = open_set(source, parsed.set)
    return builder(objects=objects, config=tfds.core.BuilderConfig(name=config), data_dir=data_dir)

  return Recipe(config, make)


def missing(dataset: str, source: str, wanted: str, what: str = '') -> UserError:
  """The error of a source that is not given or lacks something; says what to place where."""
  if not source:
    return UserError(f'{dataset} needs --source (config field data.source): {wanted}')
  return UserError(f'source {Path(source)} has {what}: {wanted}')


@functools.cache
def published(dataset: str) -> dict[str, Any]:
  """What the paper prints of a data set."""
  text = resources.files('data_prep').joinpath('elastic_infogan_objects.json').read_text()
  return json.loads(text)[dataset]
