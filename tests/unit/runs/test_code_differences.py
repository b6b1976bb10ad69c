"""Differences from the authors' code of Elastic-InfoGAN, by published row."""

import pytest

from experiments import rows
from jaxgan.config.overrides import changed
from jaxgan.report import code_differences as differences


def _has(command, part, **changes):
  """Returns whether a line with this text applies to a published row, with some fields changed."""
  fields = {f'algorithm.{name}': value for name, value in changes.items()}
  config = changed(rows.config_of(command), fields)
  found = [line for line in differences.lines(config, config.methods[0]) if part in line]
  assert len(found) <= 1
  return bool(found)


def test_lines_are_sentences_and_each_comes_once():
  lines = [difference.line for difference in differences.TABLE]
  assert len(set(lines)) == len(lines)
  for line, effect, _ in differences.TABLE:
    assert line.endswith('.')
    assert effect.endswith('.')
    assert not set('\n|') & set(line + effect)


@pytest.mark.parametrize(
  ('command', 'part', 'applies'),
  [
    ('mnist_lt.py', 'without a seed', True),
    ('cars3d.py', 'without a seed', False),
    ('cars3d.py', 'that the paper prints', True),
    ('shapenet.py', 'that the paper prints', False),
    ('mnist_lt.py', 'three bicubic', True),
    ('mnist_lt.py:views=paper', 'three bicubic', False),
    ('mnist_lt.py:views=paper', 'as the paper says', True),
    ('mnist_lt.py:method=uniform_infogan', 'three bicubic', False),
    ('mnist_lt.py:method=gumbel_softmax_pos', 'codes drawn for both', True),
    ('mnist_lt.py', 'codes drawn for both', False),
    ('youtube_faces.py', 'VGGFace2', True),
    ('youtube_faces.py:annotator=vggface2', 'VGGFace2', False),
    ('cars3d.py:method=joint_vae', 'weights of both divergences', True),
    ('cars3d.py:method=joint_vae', 'an average of it', False),
  ],
)
def test_a_line_applies_to_its_rows(command, part, applies):
  assert _has(command, part) == applies


def test_a_choice_removes_its_line():
  assert _has('cars3d.py', 'each side')
  assert not _has('cars3d.py', 'each side', crop_of='area')
  part = 'an average of it'
  assert _has('cars3d.py', part)
  assert not _has('cars3d.py', part, ema_decay=0.999)
