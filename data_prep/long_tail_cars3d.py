"""3D Cars in Elastic-InfoGAN's 25 imbalanced splits; see `data_prep.object_views` for the configs.

The source is the folder data/cars of nips2015-analogy-data.tar.gz (Reed et al. 2015, after Fidler
et al. 2012): 183 files car_<id>_mesh.mat, each with the renderings `im`, uint8 [128, 128, 3, 24
azimuths, 4 elevations]. They are resized to 64x64 (Lanczos). The paper's ids are assumed to be the
ids in file names. Names, shape, order of the axes and number of the files agree with two loaders of
the archive, disentanglement_lib's cars3d.py and disent's Cars3dData; that the archive has each of
the paper's ids is not verified.

Other cars may replace them: an .npz with `images` uint8 [N, 96, 64, 64, 3], `names` [N], `azimuths`
and `elevations` [96]. The classes of set S are then a seeded choice of ten cars, with the same
draws; a hash of the contents ends the config's name (set_0_draw_0-0123456789).
"""

import functools
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep import object_views
from data_prep.array_builder import Recipe, ReplicaSplits
from data_prep.long_tail import shuffled_class
from data_prep.npz import open_npz
from data_prep.object_views import IMAGE_SIZE, NUM_CLASSES, Objects, missing
from data_prep.pictures import fit_square
from data_prep.readers import check_class_names
from jaxgan.errors import UserError, first_line

OPTIONS = ()
COLLECTION = object_views.Collection('long_tail_cars3d', views=96)
PUBLISHED_CARS = 183
AZIMUTHS, ELEVATIONS, RENDERED_SIZE = 24, 4, 128
# With these seeds, no set has both of two nearly identical cars in the stand-in of TORCS's cars.
_STAND_IN_SEEDS = 10
URL = 'http://www.scottreed.info/files/nips2015-analogy-data.tar.gz'
_WANTED = (
  f'name the folder with the {PUBLISHED_CARS} files car_<id>_mesh.mat, data/cars in {URL}, '
  'extracted; or an .npz of other cars'
)


class LongTailCars3d(object_views.ObjectViews):
  """Elastic-InfoGAN's sets of ten 3D Cars; see `data_prep.object_views.ObjectViews`."""

  collection = COLLECTION


def open_set(source: str, set_number: int) -> Objects:
  """Opens the ten cars of a set, from the files of 3D Cars or an .npz of other cars.

  Args:
    source: the folder, its parent or the parent of data/cars; or the .npz.
    set_number: 0..4.

  Returns:
    The objects; the files are checked, but nothing is decoded.

  Raises:
    UserError: a wrong number of cars, or one of the ten is missing or has another layout.
  """
  if Path(source).suffix == '.npz':
    return _open_stand_in(Path(source), set_number)
  root = Path(source)
  folders = [root / part for part in ('', 'cars', 'data/cars')] if source else []
  found = {folder: sorted(folder.glob('car_*_mesh.mat')) for folder in folders}
  folder = next((folder for folder, files in found.items() if files), None)
  if folder is None:
    raise missing(COLLECTION.dataset, source, _WANTED, 'no car_<id>_mesh.mat')
  if len(found[folder]) != PUBLISHED_CARS:
    raise UserError(
      f'{folder} has {len(found[folder])} files car_<id>_mesh.mat, 3D Cars has {PUBLISHED_CARS}: '
      'extract the archive again'
    )
  ids = object_views.object_ids(COLLECTION, set_number)
  files = [folder / f'car_{name}_mesh.mat' for name in ids]
  for file in files:
    _check(file)
  return Objects(
    names=tuple(ids),
    places=tuple(map(int, ids)),
    files=tuple(file.name for file in files),
    kind='3D Cars .mat files',
    pixels='resized from the published images',
    read=lambda k, views: _read(files[k], views),
  )


def _check(file: Path) -> None:
  from scipy.io import whosmat

  shape = (RENDERED_SIZE, RENDERED_SIZE, 3, AZIMUTHS, ELEVATIONS)
  if not file.is_file():
    raise UserError(f'{file} is missing: extract the archive again')
  try:
    arrays = {name: (size, kind) for name, size, kind in whosmat(file)}
  except Exception as error:  # SciPy raises several types on damaged files.
    raise _damaged(file, error) from error
  if arrays.get('im') != (shape, 'uint8'):
    size, kind = arrays.get('im', ((), 'nothing'))
    raise UserError(f'{file} has as im {kind} {size}, 3D Cars has uint8 {shape}')


def _read(file: Path, views: np.ndarray):
  """Yields some views; view v has elevation v // 24 and azimuth v % 24."""
  from scipy.io import loadmat

  try:
    images = loadmat(file, variable_names=['im'])['im']
  except Exception as error:  # See `_check`.
    raise _damaged(file, error) from error
  images = images.transpose(4, 3, 0, 1, 2).reshape(-1, *images.shape[:3])
  for image in images[views]:
    yield np.asarray(fit_square(Image.fromarray(image), IMAGE_SIZE))


def _damaged(file, error):
  return UserError(f'{file} cannot be read ({first_line(error)}): extract the archive again')


@functools.lru_cache(maxsize=2)
def _stand_in(path: Path, modified: int):
  """Reads (images, names, 10 digits of their SHA-256) from an .npz, checked."""
  del modified  # Only for the cache.
  arrays, found = open_npz(path, ('images', 'names', 'azimuths', 'elevations'))
  if len(arrays) != 4:
    raise UserError(
      f'source {path} needs the arrays images, names, azimuths and elevations, it has {found}'
    )
  images, names = arrays['images'], tuple(str(name) for name in np.atleast_1d(arrays['names']))
  shape = (len(names), COLLECTION.views, IMAGE_SIZE, IMAGE_SIZE, 3)
  if images.dtype != np.uint8 or images.shape != shape:
    raise UserError(
      f'source {path}: images must be uint8 {shape} for {len(names)} names, got {images.dtype} '
      f'{images.shape}'
    )
  check_class_names(path, names)
  if len(names) < NUM_CLASSES:
    raise UserError(f'source {path} has {len(names)} cars, at least {NUM_CLASSES} are needed')
  angles = arrays['azimuths'], arrays['elevations']
  if any(a.shape != (COLLECTION.views,) or a.dtype.kind not in 'iuf' for a in angles):
    kinds = ' and '.join(f'{a.dtype} {a.shape}' for a in angles)
    raise UserError(
      f'source {path}: azimuths and elevations must be {COLLECTION.views} numbers, got {kinds}'
    )
  views = {tuple(view) for view in np.stack(angles, 1).tolist() if np.isfinite(view).all()}
  if len(views) != COLLECTION.views:
    raise UserError(
      f'source {path}: azimuths and elevations must describe {COLLECTION.views} different views, '
      f'got {len(views)}'
    )
  digest = hashlib.sha256('\0'.join(names).encode())
  digest.update(np.ascontiguousarray(images).data)
  return images, names, digest.hexdigest()[:10]


def _load_stand_in(path: Path):
  return _stand_in(path, path.stat().st_mtime_ns if path.exists() else 0)


def _open_stand_in(path: Path, set_number: int) -> Objects:
  images, names, _ = _load_stand_in(path)
  order = shuffled_class(np.zeros(len(names), int), 0, _STAND_IN_SEEDS + set_number)
  places = order[:NUM_CLASSES].tolist()
  return Objects(
    names=tuple(names[place] for place in places),
    places=tuple(places),
    files=tuple(f'{path.name}: {names[place]}' for place in places),
    kind='.npz of other cars',
    pixels='unverified',
    read=lambda k, views: images[places[k]][views],
  )


def recipe(config: str, source: str) -> Recipe:
  """See `data_prep.object_views.recipe`."""
  path = Path(source)
  contents = _load_stand_in(path)[2] if path.suffix == '.npz' else ''
  return object_views.recipe(LongTailCars3d, open_set, config, source, contents)


def replica_splits(config: str, num_replicas: int) -> ReplicaSplits | None:
  """See `data_prep.object_views.replica_splits`."""
  return object_views.replica_splits(COLLECTION, config, num_replicas)
