"""Five ShapeNet categories, imbalanced as in Elastic-InfoGAN, from renderings that the user makes.

ShapeNet's licence forbids handing models or renderings on. The source is a folder of folders:

  <class>/<instance>/*.png    <class>: car, airplane, bowl, can, rifle, or the synset's number

with 30 or more renderings of each instance, squares of any size, such as Blender and the paper's
script, https://github.com/panmari/stanford-shapenet-renderer, write for every model of a class:

  blender --background --python render_blender.py -- --views 30 --output_folder SOURCE/car MODEL.obj

Its maps (*depth*.png, *normal*.png, *albedo*.png, *id*.png) are ignored.

  shapenet5         chosen instances, 5 : 4 : 3 : 7 : 8 for the classes, 30 images per instance
  shapenet5/full    80 % of these instances, for the evaluation classifier

The renderer names the folder of a model after the folder of MODEL.obj: in ShapeNetCore.v1 this is
the instance. In ShapeNetCore.v2 it is `models` for every instance, so there the option is
--output_folder SOURCE/car/INSTANCE; images one folder deeper are also found.

The five synsets' numbers agree with the category lists of several ShapeNet loaders; the names of
files and maps agree with the renderer. The numbers of models are neither verified nor required.

The 'test' split of both has the 20 % outside `full`. The paper prints the ratio of the instances
but not their number: here it is the largest that every class allows (with 108 cans: 75 cars, 60
airplanes, 45 bowls, 105 cans and 120 rifles).
"""

import itertools
from pathlib import Path
import re
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from data_prep.array_builder import ArrayBuilder, Recipe, Split
from data_prep.long_tail import hold_out, select_indices, shuffled_class
from data_prep.object_views import missing, published
from data_prep.pictures import Ground, decode_squares
from jaxgan.errors import UserError

OPTIONS = ()
CONFIGS = ('', 'full')
SEED = 0
SYNSETS = {
  'car': '02958343',
  'airplane': '02691156',
  'bowl': '02880940',
  'can': '02946921',
  'rifle': '04090263',
}
_MAPS = re.compile(r'_(depth|normal|albedo|id)[0-9]*\.png')
_WANTED = (
  'name a folder with <class>/<instance>/*.png, 30 or more renderings per instance, for the '
  f'classes {", ".join(f"{name} (or {number})" for name, number in SYNSETS.items())}; '
  'https://github.com/panmari/stanford-shapenet-renderer makes them from ShapeNet'
)


class Layout(NamedTuple):
  """The number of renderings per instance."""

  views: int = 30


LAYOUT = Layout()


class Shapenet5(ArrayBuilder, skip_registration=True):
  """Renderings of five ShapeNet categories with 5 : 4 : 3 : 7 : 8 instances, 30 each, 64x64.

  Instances, and renderings of instances with more than 30, are a seeded choice. Transparent pixels
  become white. Images are decoded while records are written.
  """

  image_shape = (64, 64, 3)
  class_names = tuple(SYNSETS)

  def __init__(self, *, layout: Layout = LAYOUT, **kwargs: Any):
    """See `ArrayBuilder`; `layout` has the expected sizes of the source."""
    self._views = layout.views
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    listing = list_renderings(self.source, self._views)
    ratio = published('shapenet5')['ratio']
    owners = np.repeat(np.arange(len(listing)), [len(instances) for instances in listing])
    available = np.bincount(owners)
    unit = min(int(n) // share for n, share in zip(available, ratio, strict=True))
    if unit < 1:
      pairs = zip(self.class_names, available.tolist(), ratio, strict=True)
      short = next(f'{n} of {name}, {share}' for name, n, share in pairs if n < share)
      raise UserError(f'source {self.source} has {short} instances are needed at least: {_WANTED}')
    counts = [unit * share for share in ratio]
    chosen = select_indices(owners, counts, SEED)  # Positions among all instances.
    # By instance, because other views of a training object would be no test.
    test = hold_out(owners[chosen], SEED + 1)
    full = self.builder_config is not None
    train = np.setdiff1d(np.arange(len(chosen)), test) if full else np.arange(len(chosen))
    facts = {
      'source_kind': 'ShapeNet renderings',
      'pixels': 'unverified',
      'order': 'by class, instance and file name',
      'instances': counts,
      'imbalance_ratio': max(counts) / min(counts),
      'n_max': max(counts) * self._views,
      'seed': SEED,
    }
    instances = list(itertools.chain.from_iterable(listing))
    starts = np.cumsum([0, *map(len, instances)])
    return {
      name: self._split(instances, starts, owners, chosen[at])
      for name, at in (('train', train), ('test', test))
    }, facts

  def _split(self, instances, starts, owners, chosen) -> Split:
    """Makes a split of chosen instances; an index counts through all files."""
    files, indices = [], []
    for instance in chosen:
      available = len(instances[instance])
      order = shuffled_class(np.zeros(available, int), 0, SEED + int(instance))
      views = np.sort(order[: self._views])
      files += [instances[instance][view] for view in views]
      indices.append(starts[instance] + views)
    encoded = ((str(file), file) for file in files)
    return Split(
      decode_squares(encoded, self.image_shape[0], itertools.repeat(Ground('white'))),
      np.repeat(owners[chosen], self._views),
      np.concatenate(indices),
    )


def list_renderings(source: str, least: int = LAYOUT.views) -> list[list[list[Path]]]:
  """Lists the renderings of each instance of each class, by name.

  Args:
    source: see the module.
    least: the fewest renderings per instance.

  Raises:
    UserError: a class is missing, or an instance has fewer renderings.
  """
  root = Path(source)
  listing = []
  for name, number in SYNSETS.items():
    folders = [root / part for part in (name, number) if (root / part).is_dir()]
    if not source or not folders:
      raise missing('shapenet5', source, _WANTED, f'no folder {name} or {number}')
    if len(folders) > 1:
      raise missing('shapenet5', source, _WANTED, f'both {name} and {number}, which are one class')
    instances = []
    for instance in sorted(path for path in folders[0].iterdir() if path.is_dir()):
      found = (*instance.glob('*.png'), *instance.glob('*/*.png'))
      files = sorted(p for p in found if not _MAPS.search(p.name))
      if len(files) < least:
        raise UserError(f'{instance} has {len(files)} renderings, at least {least} are needed')
      instances.append(files)
    listing.append(instances)
  return listing


def recipe(config: str, source: str, layout: Layout = LAYOUT) -> Recipe:
  """See `data_prep.array_builder.Recipe`; the source is needed to prepare the data only."""
  if config not in CONFIGS:
    raise UserError(f'dataset shapenet5/{config} is unknown; allowed: shapenet5 and shapenet5/full')
  builder_config = tfds.core.BuilderConfig(name=config) if config else None

  def make(data_dir):
    return Shapenet5(layout=layout, config=builder_config, source=source, data_dir=data_dir)

  return Recipe(config, make)
