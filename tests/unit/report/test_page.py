"""Pages: one complete and safe file with the numbers and images of the runs."""

import itertools
import json
import os
import re
import shutil
import subprocess
import time

import numpy as np
from PIL import Image
import pytest

from jaxgan.errors import UserError
from jaxgan.report import page
from jaxgan.report.blocks import Steps, read_image
from jaxgan.report.tables import Table
from tests.support.evaluations import CLASS_BALANCE, CODES, UNLABELLED, labels, report, save
from tests.support.pages import check, read_page

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')

ODD = '<img src=x onerror=alert(1)> & "b" \'c\' </script>{{ 7*7 }}'


def _png(path, size=(4, 6)):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.new('RGB', size).save(path)


def _metrics(folder, num=3):
  rows = [
    {'step': 10 * i, 'loss/generator': 1 / i, 'evaluation/class_counts': [5, 3, 2], 'prior': [1, 0]}
    for i in range(1, num + 1)
  ]
  (folder / 'metrics.jsonl').write_text('\n'.join(map(json.dumps, rows)))


QUANTILES = np.linspace(1, 2, 11).tolist()

NEAREST = {
  'memorisation/classes': [2],
  'memorisation/copying': [0.3125],
  'memorisation/shown': [2],
  'memorisation/generated_images': [40],
  'memorisation/held_out_images': [8],
  'memorisation/generated_quantiles': [QUANTILES],
  'memorisation/held_out_quantiles': [QUANTILES],
}


def _save_images(folder):
  images = np.zeros((6, 4, 4, 3), np.uint8)
  np.savez(folder / 'evaluation_samples.npz', images=images, labels=[0, 0, 0, 1, 2, 2])
  np.savez(
    folder / 'nearest_training.npz',
    images=images[:2],
    nearest=images[2:4],
    labels=[2, 2],
    nearest_labels=[2, 0],
    distances=[1.25, 1.75],
  )


def test_a_run_with_everything(tmp_path):
  folder = tmp_path / 'run' / 'class_balancing'
  save(folder, CLASS_BALANCE, NEAREST | {'kl_from_uniform': 0.1234})
  _save_images(folder)
  _metrics(folder)
  for step in (10, 20, 30):
    _png(folder / 'samples' / f'step_{step:08d}_ema.png')
    _png(folder / 'samples' / f'step_{step:08d}_raw.png')
  found = read_page(tmp_path / 'run', tmp_path)
  for text in ('0.123', '0.06', '32.93 ± 0.11', '33.00', '1.250', '72.96'):  # ours, published
    assert text in found.text, text
  assert 'annotator accuracy: 0.93' in found.text  # a footnote with the protocol
  assert 'copying 0.312 (40 generated, 8 held-out images)' in found.text
  assert '1.250 (25 %)' in found.text
  assert '1.750 (75 %)' in found.text
  assert 'bird 2 images' in found.text
  assert 'airplane 3 images' in found.text
  (slider,) = found.all('input')
  assert (slider['type'], slider['max'], slider['value']) == ('range', '2', '2')
  assert [a['data-step'] for a in found.all('div') if 'data-step' in a] == ['10', '20', '30']
  labels = [a['alt'] for a in found.charts]
  assert len(labels) == 3
  assert labels[0].startswith('loss/generator over step')
  assert 'airplane, last value 0.5' in labels[1]
  assert len([a for a in found.all('img') if a['alt'].startswith('training image')]) == 2


def test_runs_of_both_families(tmp_path):
  balance, codes = tmp_path / 'runs' / 'a' / 'class_balancing', tmp_path / 'runs' / 'b' / 'codes'
  save(balance, CLASS_BALANCE)
  save(codes / 'replica_00', CODES)
  save(codes / 'replica_01', CODES, {'nmi': 0.9}, {'seed': 1, 'replica': 1})
  save(tmp_path / 'runs' / 'c', CODES, **UNLABELLED, experiment='faces')
  _metrics(codes / 'replica_00')
  for name in ('code_grid', 'confusion', 'retrieval', 'prior_against_truth', 'traversal_1'):
    _png(codes / 'replica_00' / f'{name}.png')
  found = read_page(tmp_path / 'runs', tmp_path)
  assert 'mnist_lt: elastic_infogan (first of 2 runs)' in found.text
  assert '0.800 ± 0.141 (2)' in found.text
  assert 'faces: elastic_infogan' in found.text
  assert len(found.pictures) == 5
  assert found.all('input') == []
  marks = [a['href'] for a in found.all('a') if a['href'].startswith('#note')]
  assert marks
  assert len(found.all('li')) > len(set(marks))


def test_markup_in_names_is_text(tmp_path):
  names = [ODD, 'b', 'c']
  protocol = {'data': ODD}
  folder = tmp_path / 'run'
  nearest = NEAREST | {'memorisation/classes': [0]}
  classes = {'classes': labels(names, [5000, 500, 50])['classes']}
  save(folder, CLASS_BALANCE, nearest, protocol, labels=classes, experiment=ODD, notes=[ODD])
  _save_images(folder)
  _metrics(folder)
  found = read_page(folder, tmp_path)
  shown = ' '.join(ODD.split())
  assert found.text.count(shown) >= 5
  assert {a['alt'] for a in found.pictures} >= {f'generated, {ODD}'}
  assert all('src' in a and a['src'].startswith('data:') for a in found.all('img'))
  assert len(found.all('script')) == 1


# Runs a page in a frame as wide as a phone, moves its slider and says what is seen.
_FRAME = """<iframe id="frame" style="width: 390px; height: 800px; border: 0"></iframe>
<pre id="seen"></pre>
<script>
const frame = document.getElementById('frame');
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const slider = page.querySelector('input[type=range]');
  const seen = () => [...page.querySelectorAll('[data-step]')]
    .filter((picture) => picture.offsetParent).map((picture) => picture.dataset.step);
  const found = { width: root.scrollWidth, before: seen() };
  slider.stepDown();
  slider.dispatchEvent(new Event('input'));
  found.after = seen();
  found.said = slider.getAttribute('aria-valuetext');
  found.scrolling = [...page.querySelectorAll('.scroll')].map((e) => e.scrollWidth > e.clientWidth);
  document.getElementById('seen').textContent = JSON.stringify(found);
};
frame.srcdoc = PAGE;
</script>"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason='needs Chromium')
def test_on_a_phone_only_wide_tables_and_pictures_scroll_sideways(tmp_path):
  folder = tmp_path / 'run'
  names = ['a_class_whose_name_is_long_and_has_no_place_to_break_it', 'b', 'c']
  classes = {'classes': labels(names, [5000, 500, 50])['classes']}
  save(folder, CLASS_BALANCE, NEAREST, {'data': 'x' * 300}, labels=classes, experiment='y' * 80)
  _save_images(folder)
  _metrics(folder)
  for step in (10, 20):
    _png(folder / 'samples' / f'step_{step:08d}_ema.png', size=(800, 800))
  report([folder], tmp_path / 'page.html')
  quoted = json.dumps((tmp_path / 'page.html').read_text(encoding='utf-8')).replace('</', '<\\/')
  (tmp_path / 'frame.html').write_text(_FRAME.replace('PAGE', quoted), encoding='utf-8')
  flags = ('--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=5000')
  profile = f'--user-data-dir={tmp_path / "profile"}'
  command = [CHROMIUM, *flags, profile, '--dump-dom', (tmp_path / 'frame.html').as_uri()]
  dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
  seen = json.loads(re.search(r'<pre id="seen">(.*?)</pre>', dom)[1])
  assert seen['width'] <= 390
  assert (seen['before'], seen['after'], seen['said']) == (['20'], ['10'], 'step 10')
  assert seen['scrolling'][0]  # The table of scores.


def test_cells():
  assert page.pieces('a **b[^2]** c[^1]') == [
    ('text', 'a '), ('bold', 'b'), ('mark', '2'), ('text', ' c'), ('mark', '1')
  ]  # fmt: skip
  assert page.pieces('-') == [('text', '-')]
  assert page.pieces('') == []
  sections = [page.Section('s', [Table('t', [('a', 'b'), ('x', '**7**[^1]')])])]
  text = page.render('p', sections, ['because'])
  check(text)
  assert '<strong>7</strong>' in text
  assert 'href="#note-1"' in text


def test_many_pictures_are_thinned_evenly_with_a_note(tmp_path, monkeypatch):
  paths = [(step, tmp_path / f'{step}.png') for step in range(1, 102)]
  for _, path in paths:
    _png(path)

  def shown(*blocks):
    found = check(page.render('p', [page.Section('s', blocks)]))
    return [int(a['data-step']) for a in found.all('div') if 'data-step' in a], found.text

  steps, text = shown(Steps('grids', paths))
  assert len(steps) == 30
  assert (steps[0], steps[-1]) == (1, 101)
  assert {b - a for a, b in itertools.pairwise(steps)} == {3, 4}
  assert '30 of 101 pictures; all are in samples/' in text
  steps, text = shown(Steps('grids', paths[:30]))
  assert len(steps) == 30
  assert 'all are in samples/' not in text
  # Whatever the runs, the page stays bounded; the first and the last picture are always there.
  size = paths[0][1].stat().st_size
  monkeypatch.setattr(page, 'MAX_BYTES', 10 * size)
  steps, _ = shown(Steps('a', paths), Steps('b', paths))
  assert len(steps) == 2 * 5
  monkeypatch.setattr(page, 'MAX_BYTES', size)
  assert shown(Steps('a', paths))[0] == [1, 101]


def test_pictures_are_not_changed_and_others_are_refused(tmp_path):
  _png(tmp_path / 'a.png')
  image = read_image(tmp_path / 'a.png', 'grid')
  assert image.data == (tmp_path / 'a.png').read_bytes()
  assert image.size == (4, 6)
  (tmp_path / 'b.png').write_text('<svg onload=alert(1)>')
  with pytest.raises(UserError, match=r'b.png is damaged \(not a PNG\)'):
    read_image(tmp_path / 'b.png', 'grid')
  with pytest.raises(UserError, match='cannot be read'):
    read_image(tmp_path / 'c.png', 'grid')


@pytest.mark.parametrize(
  ('file', 'change'),
  [
    ('nearest_training.npz', {'labels': [2]}),
    ('nearest_training.npz', {'nearest_labels': [2, 7]}),
    ('nearest_training.npz', {'images': np.zeros((2, 4, 4, 2), np.uint8)}),
    ('evaluation_samples.npz', {'labels': [0] * 9}),
    ('evaluation_samples.npz', {'labels': 0}),
    ('metrics.jsonl', '{"step": 1, "evaluation/class_counts": [1, 2]}'),
    ('metrics.jsonl', '{"step": 1, "evaluation/class_counts": "x"}'),
  ],
)
def test_damaged_images_and_logs_are_one_clear_line(tmp_path, file, change):
  folder = tmp_path / 'run'
  save(folder, CLASS_BALANCE, NEAREST)
  _save_images(folder)
  if isinstance(change, str):
    (folder / file).write_text(change)
  else:
    np.savez(folder / file, **(dict(np.load(folder / file)) | change))
  with pytest.raises(UserError, match='damaged') as error:
    report([folder], tmp_path / 'page.html')
  assert '\n' not in str(error.value)
  assert not (tmp_path / 'page.html').exists()


def test_a_page_of_progress_loads_itself_anew_until_the_end(tmp_path):
  for step, reloads in ((5, True), (10, False)):
    page.write_progress(tmp_path, ODD, [], step, 10)
    text = (tmp_path / page.PROGRESS_FILE).read_text(encoding='utf-8')
    found = check(text)
    assert f'step {step} of 10' in found.text
    assert ODD in found.text
    assert ('location.reload' in text, 'http-equiv="refresh"' in text) == (reloads, reloads)
    assert [a['type'] for a in found.all('input')] == ['checkbox'] * reloads
  assert [path.name for path in tmp_path.iterdir()] == [page.PROGRESS_FILE]


def test_progress_is_drawn_seldom_and_at_the_end(tmp_path):
  assert page.is_due(tmp_path, 5, 10)
  page.write_progress(tmp_path, 'a', [], 5, 10)
  assert not page.is_due(tmp_path, 6, 10)
  assert page.is_due(tmp_path, 10, 10)
  long_ago = time.time() - page.RELOAD
  os.utime(tmp_path / page.PROGRESS_FILE, (long_ago, long_ago))
  assert page.is_due(tmp_path, 6, 10)
