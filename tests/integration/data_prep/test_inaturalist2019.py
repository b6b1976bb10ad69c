"""iNaturalist-2019: the image counts of the published files."""

import json

import pytest

from data_prep import preparation
from data_prep.inaturalist2019 import LAYOUT
from jaxgan.errors import UserError


def _write_lists(root, train_images):
  """JSON files of the published sizes, without an image."""
  for name, images in (('train2019.json', train_images), ('val2019.json', 3030)):
    content = {
      'images': [{'id': i, 'file_name': f'train_val2019/{i}.jpg'} for i in range(images)],
      'annotations': [{'image_id': i, 'category_id': i % 1010} for i in range(images)],
      'categories': [{'id': k} for k in range(1010)],
    }
    (root / name).write_text(json.dumps(content))


@pytest.mark.slow
@pytest.mark.parametrize(
  ('train_images', 'message'),
  [
    # Only the images are missing.
    (265_213, 'has 265213 of 265213 images of train2019.json missing'),
    (268_243, 'has 268243 images, iNaturalist-2019 has 265213'),
  ],
)
def test_the_published_files_have_the_counts_of_the_competition(train_images, message, tmp_path):
  """268,243 are train and val together (README of the competition), val has three per species."""
  assert LAYOUT.train_images + LAYOUT.test_images == 268_243
  assert LAYOUT.test_images == 3 * LAYOUT.num_classes == 3 * 1010
  _write_lists(tmp_path, train_images)
  with pytest.raises(UserError, match=message):
    preparation.prepare('inaturalist2019', str(tmp_path), str(tmp_path / 'prepared'))
  assert not (tmp_path / 'prepared').exists()
