"""Ten objects seen from many views, in Elastic-InfoGAN's imbalance draws: 3D Cars and 3D Chairs.

The configs of both data sets, by their 'train' split:

  set_S_draw_D    a seeded choice of the views of set S's ten objects, draw D; S and D are 0..4
  set_S_pool      all views of the ten: replicas share it and index it with `draw_indices`
  set_S_full      80 % of the views of each, for the evaluation classifier
  sets_pool       all views of the objects of all sets, each object once: for replicas of several
  sets_full       80 % of the views of each of these

The 'test' split always has the 20 % outside `full`. Ojha et al. 2020 draw from all views, so it
overlaps set_S_draw_D and pool: it is only for the evaluation classifier.

The paper prints five of the ten class frequencies of a draw. They belong to the first five classes
here; the other five are drawn once with a fixed seed, see `proportions`.
"""

from collections.abc import Callable, Iterable, Sequence
import functools
from importlib import resources
import json
from pathlib import Path
import re
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from data_prep import flag_names
from data_prep.array_builder import ArrayBuilder, Part, Recipe, ReplicaSplits, Split
from data_prep.long_tail import hold_out, select_indices
from jaxgan.errors import UserError

SEED = 0
NUM_SETS, NUM_DRAWS, NUM_CLASSES = 5, 5, 10
IMAGE_SIZE = 64


class Collection(NamedTuple):
  """A data set of objects: its name and the number of views per object."""

  dataset: str
  views: int


class Objects(NamedTuple):
  """The ten objects of a set, or the distinct objects of all sets.

  Attributes:
    names: in class order.
    places: the number of each object in its source.
    files: the folder or file of each object.
    kind: of the source, in words.
    pixels: origin of the pixels.
    read: `read(k, views)` yields these views of object k, uint8 [64, 64, 3].
  """

  names: tuple[str, ...]
  places: tuple[int, ...]
  files: tuple[str, ...]
  kind: str
  pixels: str
  read: Callable[[int, np.ndarray], Iterable[np.ndarray]]


class Config(NamedTuple):
  """The parts of a config's name.

  Attributes:
    part: 'draw', 'pool' or 'full'.
    set: number of the set; None for all sets together.
    draw: number of the draw; None for 'pool' and 'full'.
    contents: hash of the contents; '' for published data.
  """

  part: str
  set: int | None
  draw: int | None
  contents: str


class ObjectViews(ArrayBuilder, skip_registration=True):
  """Elastic-InfoGAN's sets of ten objects (Ojha et al. 2020), 64x64.

  The 'train' split of set_S_draw_D is drawn from all views and overlaps the 'test' split, 20 % of
  the views, which is for the evaluation classifier, trained on set_S_full. The files of one object
  are read at a time.
  """

  image_shape = (IMAGE_SIZE, IMAGE_SIZE, 3)
  collection: Collection

  def __init__(self, *, objects: Objects, sets: list[list[int]], **kwargs: Any):
    """See `ArrayBuilder`; `sets` has the classes of each set."""
    self.class_names = objects.names
    self._objects, self._sets = objects, sets
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    objects, collection = self._objects, self.collection
    config = parse_config(collection, self.builder_config.name)
    num_classes = len(objects.names)
    labels = np.repeat(np.arange(num_classes), collection.views)
    everything = np.arange(len(labels))
    test = hold_out(labels, NUM_SETS * NUM_DRAWS + (NUM_SETS if config.set is None else config.set))
    set_number, draw = config.set, config.draw
    shares = None
    if set_number is not None and draw is not None:
      train = draw_indices(labels, range(num_classes), collection, set_number, draw)
      shares = proportions(collection, draw)
    else:
      train = everything if config.part == 'pool' else np.setdiff1d(everything, test)
    counts = np.bincount(labels[train])
    facts = {
      'source_kind': objects.kind,
      'pixels': objects.pixels,
      'order': 'by object of the set, then view',
      'files': list(objects.files),
      'set': config.set,
      'sets': self._sets,  # The classes of each set, in the order of the set.
      'draw': draw,
      # In thousandths; the paper prints the first five, a fixed seed draws the others.
      'proportions': shares,
      'imbalance_ratio': float(counts.max() / counts.min()) if shares else None,
      'n_max': int(counts.max()),
      'seed': SEED,
    }
    return {
      name: Split(self._images(at), labels[at], self._places(at))
      for name, at in (('train', train), ('test', test))
    }, facts

  def _images(self, positions):
    views = self.collection.views
    for k in range(len(self._objects.names)):
      yield from self._objects.read(k, positions[positions // views == k] % views)

  def _places(self, positions):
    """Returns positions in the source: all views of its object 0, of object 1, ..."""
    views = self.collection.views
    return np.array(self._objects.places)[positions // views] * views + positions % views


def object_ids(collection: Collection, set_number: int) -> list[str]:
  """Returns the paper's ids of the ten objects of a set, in class order."""
  return list(published(collection.dataset)['sets'][set_number])


def proportions(collection: Collection, draw: int) -> list[int]:
  """Returns the ten class frequencies of an imbalance draw, in thousandths, with the sum 1,000.

  The paper prints the first five (supplement 5.2 and 5.3). The remainder to 1 is divided among the
  other five by weights in [0.2, 1.8), from the raw 64-bit stream of
  PCG64(SeedSequence([0, draw, views])).

  Args:
    collection: cars or chairs.
    draw: 0..4, the paper's row.

  Returns:
    10 integers in class order.
  """
  printed = [round(1000 * p) for p in published(collection.dataset)['proportions'][draw]]
  seed = np.random.SeedSequence([SEED, draw, collection.views])
  words = np.random.PCG64(seed).random_raw(NUM_CLASSES - len(printed))
  weights = 0.2 + 1.6 * (words / 2.0**64)
  ends = np.rint(np.cumsum(weights) / weights.sum() * (1000 - sum(printed)))
  return printed + np.diff(ends, prepend=0).astype(int).tolist()


def draw_counts(collection: Collection, draw: int) -> list[int]:
  """Returns the images of each class in a draw; the most frequent class has all views.

  n_k = floor(views p_k / max p). The floor is exact, the p are thousandths.
  """
  shares = proportions(collection, draw)
  return [collection.views * share // max(shares) for share in shares]


def draw_indices(
  labels: np.ndarray, classes: Sequence[int], collection: Collection, set_number: int, draw: int
) -> np.ndarray:
  """Draws the images of a draw, independently for each set and draw.

  On the arrays of the config set_S_pool, `images[draw_indices(labels, range(10), collection, S,
  D)]` is the 'train' split of the config set_S_draw_D.

  Args:
    labels: int [N], of the pool, in the order of the views.
    classes: labels in the pool of the set's ten objects, in class order.
    collection: cars or chairs.
    set_number: 0..4.
    draw: 0..4.

  Returns:
    int64 [n] positions in the pool, by object of the set, then view.
  """
  positions = np.concatenate([np.flatnonzero(labels == k) for k in classes])
  of_set = np.repeat(np.arange(NUM_CLASSES), collection.views)
  seed = NUM_DRAWS * set_number + draw
  return positions[select_indices(of_set, draw_counts(collection, draw), seed)]


def replica_splits(collection: Collection, config: str, num_replicas: int) -> ReplicaSplits | None:
  """Returns one draw per replica, from set_S_draw_D on; None for other configs.

  Draw 4 of a set is followed by draw 0 of the next set, whose classes are other objects.

  Raises:
    UserError: an unknown config, or too few draws follow it.
  """
  first = parse_config(collection, config)
  if first.set is None or first.draw is None:
    return None
  start = NUM_DRAWS * first.set + first.draw
  if start + num_replicas > NUM_SETS * NUM_DRAWS:
    raise UserError(
      f'{collection.dataset} ends with set_{NUM_SETS - 1}_draw_{NUM_DRAWS - 1}: {num_replicas} '
      f'replicas from set_{first.set}_draw_{first.draw} on are too many (replicas)'
    )
  runs = [divmod(run, NUM_DRAWS) for run in range(start, start + num_replicas)]
  end = first.contents and f'-{first.contents}'
  pool = f'set_{first.set}_pool' if runs[-1][0] == first.set else 'sets_pool'
  return ReplicaSplits(
    f'{collection.dataset}/{pool}{end}',
    tuple(f'{collection.dataset}/set_{number}_draw_{draw}{end}' for number, draw in runs),
    tuple(functools.partial(_part, collection, number, draw) for number, draw in runs),
  )


def _part(collection, set_number, draw, pool) -> Part:
  """Returns the Part of a draw in a pool of its set or of all sets."""
  sets = pool.metadata['sets']
  classes = sets[set_number if len(sets) > 1 else 0]
  indices = draw_indices(pool.labels, classes, collection, set_number, draw)
  return Part(indices, np.array(classes))


def parse_config(collection: Collection, config: str) -> Config:
  """Parses the name of a config.

  Raises:
    UserError: the config is unknown.
  """
  found = re.fullmatch(
    r'(?:set_([0-4])_draw_([0-4])|set(?:_([0-4])|s)_(pool|full))(?:-([0-9a-f]{10}))?', config
  )
  if not found:
    names = ('set_S_draw_D', 'set_S_full', 'set_S_pool', 'sets_full', 'sets_pool')
    allowed = ', '.join(f'{collection.dataset}/{name}' for name in names)
    raise UserError(
      f'dataset {collection.dataset}/{config} is unknown; allowed: {allowed}, with S and D in 0..4'
    )
  of_draw, draw, of_part, part, contents = found.groups()
  number = of_draw or of_part
  return Config(
    part or 'draw', int(number) if number else None, int(draw) if draw else None, contents or ''
  )


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
    open_set: from (source, set) to its objects, checked.
    config: of the data set.
    source: path of the user's files.
    contents: '' for published data; otherwise 10 hexadecimal digits of a hash of the source. They
      end the config's name, so that other data is not mistaken for the published data.
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
    numbers = range(NUM_SETS) if parsed.set is None else (parsed.set,)
    objects, sets = _together([open_set(source, number) for number in numbers])
    config_of_builder = tfds.core.BuilderConfig(name=config)
    return builder(objects=objects, sets=sets, config=config_of_builder, data_dir=data_dir)

  return Recipe(config, make)


def _together(sets: list[Objects]) -> tuple[Objects, list[list[int]]]:
  """Returns the distinct objects of some sets, and the numbers of each set's objects."""
  first = {}  # name -> (set, number in it)
  for s, objects in enumerate(sets):
    for k, name in enumerate(objects.names):
      first.setdefault(name, (s, k))
  chosen, numbers = list(first.values()), {name: number for number, name in enumerate(first)}
  objects = sets[0]._replace(
    names=tuple(first),
    places=tuple(sets[s].places[k] for s, k in chosen),
    files=tuple(sets[s].files[k] for s, k in chosen),
    read=lambda number, views: sets[chosen[number][0]].read(chosen[number][1], views),
  )
  return objects, [[numbers[name] for name in objects.names] for objects in sets]


def missing(dataset: str, source: str, wanted: str, what: str = '') -> UserError:
  """Makes the error about a missing or incomplete source, with the expected files."""
  if not source:
    return UserError(f'{dataset} needs {flag_names.flag("source")}: {wanted}')
  return UserError(f'source {Path(source)} has {what}: {wanted}')


@functools.cache
def published(dataset: str) -> dict[str, Any]:
  """Returns the numbers that the paper prints for a data set."""
  text = resources.files('data_prep').joinpath('elastic_infogan_objects.json').read_text()
  return json.loads(text)[dataset]
