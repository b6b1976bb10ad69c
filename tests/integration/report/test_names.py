"""Names with any characters are shown unchanged in pictures, tables and pages."""

import re
import warnings

import numpy as np
import pytest

from jaxgan import report as reports
from jaxgan.config.overrides import changed
from jaxgan.evaluation.record import LabelSet
from jaxgan.report import class_pictures as balance
from jaxgan.report import code_pictures as codes
from jaxgan.report import curves
from jaxgan.runs import execute
from jaxgan.system import names
from tests.support import pixels, stand_in
from tests.support.bad_input import sources
from tests.support.evaluations import CLASS_BALANCE, CODES, collect, labels, report, save
from tests.support.ugly_names import MORE_NAMES, NAMES, watch_figures

SETS = pytest.mark.parametrize('own', [NAMES, MORE_NAMES], ids=['names', 'more names'])


@SETS
def test_figures_show_names_as_they_are(tmp_path, monkeypatch, own):
  figures, k = watch_figures(monkeypatch), len(own)
  counts, path = np.arange(k, 0, -1), tmp_path / 'figure.png'
  rows = [
    {'step': step, 'loss/$a_': 1.0, 'evaluation/class_counts': counts, 'prior': counts / 99}
    for step in (1, 2)
  ]
  results = {'class_frechet/annotator': [1.0] * k}
  label_set = LabelSet(names=tuple(own), counts=tuple(counts.tolist()))
  labels = np.arange(3 * k) % k
  shown, grid = list(map(names.shown, own)), pixels.flat(np.zeros((k, 3)))
  coded = [f'code {i} → {names.shown(name)}' for i, name in enumerate(own)]
  with warnings.catch_warnings():
    warnings.simplefilter('error')  # No warning about glyphs without a font.
    balance.shares_over_time(rows, own, tuple(counts), 'classes', path)
    balance.class_histogram({'_$m$': counts}, label_set, path)
    balance.class_frechet({'_$m$': results}, label_set, 'annotator', path)
    balance.samples_by_class({'m': (pixels.flat(labels), labels)}, own, path)
    codes.prior_over_time(rows, path, counts / 99, np.arange(k), own)
    codes.prior_against_truth(counts / 99, counts / 99, coded, path)
    codes.confusion(np.eye(k) * 9, own, 1.0, 0.0, path)
    codes.traversal(grid, shown, path, title='_$t$')
    codes.code_grids({'_$m$': grid}, path)
    curves.loss_curves(rows, path)
  *figures, grids, losses = figures
  assert len(figures) == 8
  assert 'loss/$a_' in losses
  assert '_$m$' in grids
  assert '_$t$' in figures[-1]
  for texts in figures:
    missing = [name for name in shown if not any(name in t for t in texts)]
    assert not missing, texts
  assert all('uniform' in texts for texts in figures[:2])
  assert '_$m$' in figures[2]
  assert any(text.startswith('_$m$  (KL') for text in figures[1])


def test_reports_show_names_as_they_are(tmp_path):
  """The names of experiments, classes and data, in Markdown, HTML and the terminal."""
  odd, own = 'a|b **c** [^1] `d` $e$', list(NAMES[:3])
  classes = {'classes': labels(own, [5000, 500, 50])['classes']}
  save(tmp_path / 'a', CLASS_BALANCE, fields={'data': odd}, experiment=odd, labels=classes)
  others = labels(['猫', 'a|b', '_c_'], [6300, 3000, 100])
  save(tmp_path / 'b', CODES, experiment=odd, labels=others)
  text = report([tmp_path], tmp_path / 'report.md')
  header, _, scores, *_ = [line for line in text.splitlines() if line.startswith('|')]
  assert scores.startswith(f'| {names.escaped(odd)} | class_balancing |')
  assert len({len(re.split(r'(?<!\\)\|', line)) for line in (header, scores)}) == 1
  assert '| 猫 | a\\|b | \\_c\\_ |' in text
  assert f'data: {names.escaped(odd)};' in text
  terminal = reports.console_table(collect([tmp_path])).splitlines()
  assert terminal[0] == odd
  assert terminal[1].split()[-3:] == own
  assert len({names.width(line) for line in terminal[1:4]}) == 1
  report([tmp_path], tmp_path / 'report.html')
  html = (tmp_path / 'report.html').read_text(encoding='utf-8')
  assert f'<th scope="row">{odd}</th>' in re.sub(r'>\s+', '>', html).replace('\n</', '</')


@pytest.mark.slow
@pytest.mark.parametrize('family', ['class_balancing', 'codes'])
def test_a_run_with_the_ugliest_names(tmp_path, monkeypatch, capfd, family):
  figures = watch_figures(monkeypatch)
  config = stand_in.tiny() if family == 'class_balancing' else stand_in.tiny_codes()
  source = sources.files(sources.class_folders(NAMES, images=4, size=8))(tmp_path / 'source')
  config = stand_in.on_own_images(config, source, tmp_path / 'data')
  config = changed(config, {'train.preview': True})
  table = execute.run(config, tmp_path / 'run')
  lines = capfd.readouterr().err
  assert 'left out' not in lines
  assert 'Traceback' not in lines
  assert 'UserWarning' not in lines
  assert lines.count('no installed font') <= 1
  assert all(p.exists() for p in (tmp_path / 'run' / config.methods[0]).glob('checkpoints/4'))
  drawn = [text for texts in figures for text in texts]
  for name in map(names.shown, NAMES):
    assert name in drawn
    assert family == 'codes' or name in table
  report([tmp_path / 'run'], tmp_path / 'report.md')
  report([tmp_path / 'run'], tmp_path / 'report.html')
