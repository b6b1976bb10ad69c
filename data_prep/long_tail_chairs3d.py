"""3D Chairs in Elastic-InfoGAN's 25 imbalanced splits; `data_prep.object_views` has the configs.

The source is the folder rendered_chairs of rendered_chairs.tar (Aubry et al. 2014): a folder for
each chair, named by a hash, with 62 renderings renders/image_<number>_p<angle>_t<angle>_r096.png.
They are resized to 64x64 (Lanczos) without a crop: the paper mentions resizing and no crop.

The paper does not explain its ids, four digits up to 1372. Here 0965 is position 965, from 0, among
the folders sorted by name, which is how torchvision's ImageFolder numbers classes. The names of the
ten folders are in the metadata.

Public loaders of the archive agree on all_chair_names.mat beside the folders, on renders/, on 62
views and on names such as image_001_p020_t011_r096.png. The number of chairs is not verified
against a loader: the paper counts 1,396, others 1,393, and any number between is allowed.
"""

from pathlib import Path

from data_prep import object_views
from data_prep.array_builder import Recipe, ReplicaSplits
from data_prep.object_views import IMAGE_SIZE, Objects, missing
from data_prep.pictures import decode_squares, open_image
from jaxgan.errors import UserError

OPTIONS = ()
COLLECTION = object_views.Collection('long_tail_chairs3d', views=62)
PUBLISHED_CHAIRS = range(1393, 1397)
URL = 'https://www.di.ens.fr/willow/research/seeing3Dchairs/data/rendered_chairs.tar'
_WANTED = f'name the folder rendered_chairs of {URL}, extracted'


class LongTailChairs3d(object_views.ObjectViews):
  """Elastic-InfoGAN's sets of ten 3D Chairs; see `data_prep.object_views.ObjectViews`."""

  collection = COLLECTION


def open_set(source: str, set_number: int) -> Objects:
  """Opens the ten chairs of a set.

  Args:
    source: the folder rendered_chairs, or its parent.
    set_number: 0..4.

  Returns:
    The objects; names, number and size of their images are checked, but nothing is decoded.

  Raises:
    UserError: a wrong number of chairs, or one of the ten does not have 62 square images.
  """
  roots = [Path(source), Path(source) / 'rendered_chairs'] if source else []
  found = {root: sorted(p.parent.name for p in root.glob('*/renders')) for root in roots}
  root = next((root for root, names in found.items() if names), None)
  if root is None:
    raise missing(COLLECTION.dataset, source, _WANTED, 'no <chair>/renders')
  if len(found[root]) not in PUBLISHED_CHAIRS:
    raise UserError(
      f'{root} has {len(found[root])} folders <chair>/renders, 3D Chairs has '
      f'{PUBLISHED_CHAIRS[0]} to {PUBLISHED_CHAIRS[-1]}: extract the archive again'
    )
  ids = object_views.object_ids(COLLECTION, set_number)
  folders = [found[root][int(name)] for name in ids]
  files = [_list(root / folder / 'renders') for folder in folders]

  def read(k, views):
    return decode_squares(((str(files[k][v]), files[k][v]) for v in views), IMAGE_SIZE)

  return Objects(
    names=tuple(ids),
    places=tuple(map(int, ids)),
    files=tuple(folders),
    kind='3D Chairs PNG folders',
    pixels='resized from the published images',
    read=read,
  )


def _list(folder: Path) -> list[Path]:
  """Lists the renderings of a chair by name, checked."""
  files = sorted(folder.glob('image_*.png'))
  if len(files) != COLLECTION.views:
    raise UserError(
      f'{folder} has {len(files)} files image_*.png, 3D Chairs has {COLLECTION.views}: extract the '
      'archive again'
    )
  for file in files:
    with open_image(file) as image:
      width, height = image.size
    if width != height:
      raise UserError(f'image file {file} is {width}x{height}, the renderings are squares')
  return files


def recipe(config: str, source: str) -> Recipe:
  """See `data_prep.object_views.recipe`."""
  return object_views.recipe(LongTailChairs3d, open_set, config, source)


def replica_splits(config: str, num_replicas: int) -> ReplicaSplits | None:
  """See `data_prep.object_views.replica_splits`."""
  return object_views.replica_splits(COLLECTION, config, num_replicas)
