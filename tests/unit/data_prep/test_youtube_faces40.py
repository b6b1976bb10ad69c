"""YouTube Faces from frames and files of boxes in the published layout."""

import numpy as np
from PIL import Image
import pytest

from data_prep import build, youtube_faces40
from data_prep.youtube_faces40 import LAYOUT, Layout, agrees
from jaxgan.errors import UserError

PEOPLE = {'Aaron_Guiel': 6, 'Aaron_Eckhart': 10, 'Abdel_Aziz_Al-Hakim': 4, 'Zoran_Djindjic': 3}


@pytest.fixture
def source(tmp_path, use_edition):
  """Four people, of whom the first three are classes; faces are squares of distinct shades.

  Every second face is cut off by the upper left corner of the frame.
  """
  use_edition('youtube_faces40', layout=Layout(people=4, num_classes=3))
  root = tmp_path / 'ytf' / 'frame_images_DB'
  for name, faces in PEOPLE.items():
    lines = []
    for i in range(faces):
      video, frame = i % 2, 555 + i
      x, y = (100, 60) if i % 2 else (10, 5)
      pixels = np.zeros((120, 160, 3), np.uint8)
      pixels[max(y - 20, 0) : y + 20, max(x - 20, 0) : x + 20] = 100 + 10 * i
      folder = root / name / str(video)
      folder.mkdir(parents=True, exist_ok=True)
      Image.fromarray(pixels).save(folder / f'{video}.{frame}.jpg', quality=95)
      lines.append(f'{name}\\{video}\\{video}.{frame}.jpg,0,{x},{y},38,36,0.0,1')
    (root / f'{name}.labeled_faces.txt').write_text('\n'.join(lines) + '\n')
  return root


@pytest.fixture
def load(tmp_path):
  def load(config='', split='train', source=''):
    return build.load(f'youtube_faces40{config}', split, str(source), str(tmp_path / 'tfds'))

  return load


@pytest.mark.filterwarnings('ignore:source')
def test_splits(source, load):
  arrays = load(source=source.parent)
  assert arrays.class_names == ('Aaron_Eckhart', 'Aaron_Guiel', 'Abdel_Aziz_Al-Hakim')
  assert arrays.metadata['train']['class_counts'] == [10, 6, 4]
  # Only the face, to the edges: nothing of the black around it.
  shades = np.concatenate([100 + 10 * np.arange(n) for n in (10, 6, 4)])
  difference = np.abs(arrays.images.astype(int) - shades[:, None, None, None])
  assert difference.mean(axis=(1, 2, 3)).max() < 3
  train, test = load('/full', source=source), load('/full', 'test')
  assert train.metadata['train']['class_counts'] == [8, 5, 3]
  assert test.metadata['test']['class_counts'] == [2, 1, 1]
  assert load('', 'test').metadata['test'] == test.metadata['test']


def test_other_counts_than_published_give_a_warning(source, load):
  with pytest.warns(UserWarning, match=r'20 faces of its first 3 people, 4 to 10 each; .* 10066'):
    arrays = load(source=source)
  assert arrays.metadata['as_published'] is False


def test_the_published_lines(tmp_path):
  """The example in the README of the database."""
  (tmp_path / 'Richard_Gere.labeled_faces.txt').write_text(
    'Richard_Gere\\3\\3.618.jpg,0,262,165,132,132,0.0,1\n'
  )
  frame = tmp_path / 'Richard_Gere' / '3' / '3.618.jpg'
  frame.parent.mkdir(parents=True)
  frame.touch()
  assert youtube_faces40.read_boxes(tmp_path, 'Richard_Gere') == [(frame, (196, 99, 328, 231))]
  assert LAYOUT == (1595, 40)


def test_agrees():
  paper = youtube_faces40.published('youtube_faces40')
  counts = [round(10066 * p) for p in paper['proportions']]
  assert agrees(counts)
  assert not agrees([2 * n for n in counts])
  assert not agrees(counts[:39])
  assert not agrees([counts[1], counts[0], *counts[2:]])


def test_missing_and_damaged_files(source, tmp_path, load):
  def error(source, config=''):
    with pytest.raises(UserError) as raised:
      load(config, source=source)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  assert 'youtube_faces40 needs --config.data.source' in error('')
  assert 'youtube_faces40/x is unknown; allowed: youtube_faces40 and' in error('', '/x')
  assert 'has no <name>.labeled_faces.txt: name the folder frame_images_DB' in error(tmp_path)
  frame = source / 'Aaron_Guiel' / '1' / '1.556.jpg'
  data = frame.read_bytes()
  frame.unlink()
  assert f'1 of its 6 frames are missing, such as {frame}' in error(source)
  frame.write_bytes(data[:300])
  assert f'image file {frame} cannot be read' in error(source)
  frame.write_bytes(data)
  boxes = source / 'Aaron_Guiel.labeled_faces.txt'
  lines = boxes.read_text()
  boxes.write_text(lines.replace('100,60,38,36', '900,60,38,36', 1))
  assert 'is outside the 160x120 frame' in error(source)
  for wrong in ('100,60,0,36', '100'):
    boxes.write_text(lines.replace('100,60,38,36', wrong, 1))
    assert f'{boxes} is damaged' in error(source)
  (source / 'Zoran_Djindjic.labeled_faces.txt').unlink()
  assert 'has 3 files <name>.labeled_faces.txt, the YouTube Faces DB has 4' in error(source)
