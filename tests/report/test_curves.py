"""Charts: where lines, ticks and gaps are."""

import re

import pytest

from jaxgan.report.curves import HEIGHT, WIDTH, Line, chart, scalars, ticks


@pytest.mark.parametrize(
  ('ends', 'expected'),
  [
    ((0, 3000), [0, 1000, 2000, 3000]),
    ((100, 3000), [1000, 2000, 3000]),
    ((-0.21, 0.2), [-0.2, 0, 0.2]),
    ((0.0986, 0.1013), [0.099, 0.1, 0.101]),
    ((3, 3.7e-5 + 3), [3, 3.00001, 3.00002, 3.00003]),
  ],
)
def test_ticks_are_round_and_few(ends, expected):
  assert ticks(*ends, 4) == pytest.approx(expected, abs=1e-12)


def _points(path):
  return [tuple(map(float, point)) for point in re.findall(r'([\d.]+),([\d.]+)', path)]


def test_lines_fill_the_axes():
  drawn = chart('loss', [Line('a', [0, 10], [0.0, 4.0])], zeros='y')
  (left, low), (right, high) = _points(drawn.lines[0].path)
  assert (left, right) == (drawn.left, drawn.right) and low == drawn.bottom
  assert 0 < high < 20 and 0 < left < right < WIDTH and drawn.bottom < HEIGHT
  assert [text for _, text in drawn.y_ticks] == ['0', '1', '2', '3', '4']
  assert drawn.y_ticks[4][0] == high and drawn.x_ticks[0] == (left, '0')
  assert drawn.lines[0].last == '4'


def test_values_that_were_not_finite_are_gaps():
  drawn = chart('loss', [Line('a', [1, 2, 3, 4, 5], [1.0, 2.0, None, float('nan'), 3.0])])
  path = drawn.lines[0].path
  assert path.count('M') == 2 and path.endswith('h0') and len(_points(path)) == 3
  assert chart('loss', [Line('a', [1, 2], [None, None])]) is None


def test_a_level_is_within_the_axes_and_constant_values_have_some():
  drawn = chart('share', [Line('a', [5], [0.5])], level=('uniform', 0.9))
  name, y = drawn.level
  assert name == 'uniform' and 0 < y < _points(drawn.lines[0].path)[0][1] < drawn.bottom
  (point,) = _points(chart('share', [Line('a', [5], [0.5])]).lines[0].path)
  assert drawn.left < point[0] < drawn.right


def test_lines_have_colours_of_their_own():
  drawn = chart('share', [Line(f'class {k}', [1, 2], [k, k]) for k in range(10)])
  assert len({line.hue for line in drawn.lines}) == 10
  assert [line.dashed for line in drawn.lines[:3]] == [False, True, False]


def test_a_chart_a_scalar():
  rows = [
    {'step': 1, 'evaluation/nmi': None, 'loss/b': 1.0, 'prior': [0.5, 0.5]},
    {'step': 2, 'evaluation/nmi': 0.5, 'loss/b': 1.0, 'other': 3.0},
  ]
  titles = [one.title for one in scalars(rows, lambda name: name != 'other')]
  assert titles == ['loss/b', 'evaluation/nmi']
