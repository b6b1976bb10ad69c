"""Curves: lines and alternative text; equal numbers give equal bytes."""

import re
from xml.etree import ElementTree

import pytest

from jaxgan.report import curves
from jaxgan.report.curves import Line, chart, scalars
from tests.support import pixels


def _texts(image):
  root = ElementTree.fromstring(image.data)
  return [''.join(node.itertext()).strip() for node in root.iter() if node.tag.endswith('}text')]


def test_texts_are_texts_and_values_are_told():
  image = chart('share <of> $x$', [Line('a_b', [0, 10], [0.0, 4.0]), Line('c', [0], [1.25])])
  texts = _texts(image)
  assert {'share <of> $x$', 'a_b: 4', 'c: 1.25', 'step'} <= set(texts)
  assert image.alt == 'share <of> $x$ over step; a_b, last value 4; c, last value 1.25'
  assert 'last value' not in chart('share', [Line('a', [1], [2.0])], last=False).alt


def test_the_same_numbers_are_the_same_bytes():
  lines = [Line('a', [1, 2], [0.5, 0.25])]
  first, again = chart('loss', lines), chart('loss', lines)
  assert first.data == again.data
  assert b'dc:date' not in first.data
  assert first.data != chart('loss', [Line('a', [1, 2], [0.5, 0.3])]).data


def test_values_that_were_not_finite_are_gaps():
  image = chart('loss', [Line('a', range(40), [1.0] * 20 + [None, float('nan')] + [3.0] * 18)])
  paths = re.findall(rb'<path d="(M[^"]*)"[^>]*stroke-width:1.4', image.data)
  assert max(path.count(b'M') for path in paths) == 2
  assert chart('loss', [Line('a', [1, 2], [None, None])]) is None
  assert chart('loss', [Line('a', [5], [0.5])]) is not None


@pytest.mark.parametrize('number', [2, 12])
def test_lines_have_colours_of_their_own(number):
  image = chart('share', [Line(f'class {k}', [1, 2], [k, k]) for k in range(number)])
  colours = set(re.findall(rb'stroke:(#\w+);stroke-width:1.4', image.data))
  assert len(colours) == number


def test_a_level_is_named_and_axes_begin_at_zero():
  image = chart('share', [Line('a', [5, 9], [7.5, 8.5])], level=('uniform', 9.5), zeros='xy')
  texts = _texts(image)
  assert 'uniform' in texts
  assert texts.count('0') == 2


def test_a_chart_a_scalar():
  rows = [
    {'step': 1, 'evaluation/nmi': None, 'loss/b': 1.0, 'prior': [0.5, 0.5]},
    {'step': 2, 'evaluation/nmi': 0.5, 'loss/b': 1.0, 'other': 3.0},
  ]
  alts = [one.alt for one in scalars(rows, lambda name: name != 'other')]
  assert alts == [
    'loss/b over step; loss/b, last value 1',
    'evaluation/nmi over step; evaluation/nmi, last value 0.5',
  ]


def test_loss_curves_draw_with_gaps_and_skip_without_series(tmp_path):
  curves.loss_curves([{'step': 1, 'seconds': 2.0}], tmp_path / 'none.png')
  assert not (tmp_path / 'none.png').exists()
  rows = [
    {
      'step': step,
      'loss/generator': 1.0 / step,
      'loss/discriminator': None,
      'evaluation/class_counts': [1, 2],
    }
    for step in range(1, 50)
  ]
  rows.append({'step': 50, 'evaluation/accuracy': 0.5})
  curves.loss_curves(rows, tmp_path / 'loss.png')
  assert pixels.image(tmp_path / 'loss.png').shape[1] == 1200  # three panels of 400 pixels
