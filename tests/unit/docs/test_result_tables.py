"""The manual's tables of results say what the stored records and published numbers say."""

import importlib
import io
import json
import pathlib
import re
import statistics

import pytest

ROOT = pathlib.Path(__file__).parents[3]
EXTENSIONS = ROOT / 'docs' / '_extensions'


@pytest.fixture(scope='module')
def tables():
  with pytest.MonkeyPatch.context() as monkeypatch:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    return importlib.import_module('result_tables')


def test_a_row_is_the_mean_of_its_records(tables):
  folder = ROOT / 'experiments' / 'results' / 'fashion_lt'
  files = [folder / f'cgan_seed{seed}.json' for seed in range(3)]
  values = [json.loads(file.read_text())['results']['cas'] for file in files]
  mean, std = 100 * statistics.fmean(values), 100 * statistics.stdev(values)
  table = tables.results_table('fashion_lt', ['cas'], names=['cgan'])
  assert table.splitlines() == [
    '| mean ± std of 3 | CAS % |', '|---|---|', f'| `cgan` | {mean:.1f} ± {std:.1f} |',
  ]  # fmt: skip


def test_one_record_has_no_deviation_and_a_missing_result_no_number(tables):
  table = tables.results_table('mnist_lt_quick', ['ent', 'cas'], '*vae*')
  assert table.splitlines()[2] == '| `joint_vae` | 0.959 | - |'


def test_published_values_stand_beside(tables):
  gan = tables.results_table('cifar10_lt_h200', ['kl_from_uniform', 'cas'], published=True)
  assert '| `class_balancing` | 0.154 | 0.06 | 57.1 | 72.96 |' in gan
  assert '| `acgan_pretrained` | 0.026 | - | 25.4 | - |' in gan
  codes = tables.results_table('mnist_lt_quick', ['ent'], '*elastic*', published=True)
  assert codes.splitlines()[2] == '| `elastic_infogan` | 0.556 | 0.213 ± 0.088 |'


def test_the_protocol_is_that_of_the_rows(tables):
  words = tables.protocol('fashion_lt', names=['unconditional'])
  for part in ('step 3,000', '5,000 generated images', 'with 1,000 real ones', 'resize: annotator'):
    assert part in words
  assert 'recomputed' in words and 'average' not in words


@pytest.mark.parametrize(
  ('name', 'names'), [('no_such_folder', ()), ('fashion_lt', ('dcgan',)), ('downstream', ())]
)
def test_what_is_not_there_is_refused(tables, name, names):
  with pytest.raises(ValueError, match=f'{name}: '):
    tables.results_table(name, ['cas'], names=names)


def test_published_tables_and_differences(tables):
  rows = tables.published_table('class_balancing').splitlines()
  assert len(rows) == 2 + 36 and '| `cifar10_lt.py` | 32.93 ± 0.11 | 0.06 | 72.96 |' in rows
  assert '| `random_init` | 48.65 ± 0.9 |' in tables.published_table('knn1_accuracy')
  assert 'mirrored' not in tables.differences_table('elastic_infogan')
  assert tables.differences_table('class_balancing').startswith('| difference | likely effect |')


def test_every_folder_of_results_has_its_story():
  """A measurement without its question, protocol and limits cannot be read."""
  for folder in sorted((ROOT / 'experiments' / 'results').glob('*/')):
    text = (folder / 'README.md').read_text(encoding='utf-8')
    assert text.startswith('# '), folder
    missing = [
      part for part in ('**Question.**', '**Protocol.**', '**Shows.**') if part not in text
    ]
    assert not missing, f'{folder.name}/README.md: {missing}'
    for path in re.findall(r'\]\(([^):#]+)\)', text):
      assert (folder / path).exists(), f'{folder.name}/README.md links to {path}'


# Folder -> metrics in the order of its README's columns, and {row: first cell there}.
TOLD = {
  'fashion_lt': (
    ('kl_from_uniform', 'frechet_annotator', 'cas'),
    {'unconditional': 'unconditional', 'cgan': 'cgan', 'acgan': 'acgan',
     'balanced_batches': 'balanced_batches', 'class_balancing': 'class_balancing',
     'acgan_pretrained': 'acgan_pretrained'},
  ),
  'fashion_stability': (
    ('kl_from_uniform', 'frechet_annotator', 'cas'),
    {'earlier_class_balancing': 'class_balancing, none', 'earlier_cgan': 'cgan, none',
     'r1_r2': 'r1_r2', 'lecam': 'lecam', 'gsr': 'gsr',
     'diff_augment': 'diff_augment (translation, cutout)'},
  ),
  'cifar10_lt_h200': (
    ('kl_from_uniform', 'frechet_annotator', 'cas'),
    {row: row for row in ('unconditional', 'acgan', 'cgan', 'acgan_pretrained')},
  ),
  'cifar10_jpeg_narrow': (
    ('kl_from_uniform', 'frechet_annotator'), {'unconditional': 'unconditional'},
  ),
  'mnist_lt_20000_steps': (
    ('nmi', 'ent', 'knn1_accuracy_features'),
    {'elastic_infogan': 'elastic_infogan', 'uniform_infogan': 'uniform_infogan'},
  ),
  'cars3d_narrow': (
    ('nmi', 'ent', 'knn1_accuracy_features', 'kmeans_nmi', 'kmeans_ari'),
    {'elastic_infogan': 'elastic_infogan', 'uniform_infogan': 'uniform_infogan'},
  ),
}  # fmt: skip


@pytest.mark.parametrize('name', TOLD)
def test_stories_tell_what_the_records_hold(tables, name):
  metrics, rows = TOLD[name]
  text = (tables.RESULTS / name / 'README.md').read_text(encoding='utf-8')
  for line in tables.results_table(name, metrics, names=tuple(rows)).splitlines()[2:]:
    row, *values = [cell.strip() for cell in line.strip('|').split('|')]
    told = text[text.index(f'| {rows[row.strip("`")]} |') :].splitlines()[0]
    cells = [cell.strip().removesuffix(' %') for cell in told.strip('|').split('|')]
    assert cells[1 : 1 + len(values)] == values


PAGE = """# Page

```{results} fashion_lt
:columns: cas
:rows: cgan
```

```{published} ent
```

```{differences} elastic_infogan
```
"""


def build(folder, text):
  """Builds a page with the directives; returns its text and the warnings."""
  application = pytest.importorskip('sphinx.application')
  pytest.importorskip('myst_parser')
  (folder / 'index.md').write_text(text)
  warnings = io.StringIO()
  app = application.Sphinx(
    folder, None, folder / 'out', folder / 'trees', 'text', status=None, warning=warnings,
    confoverrides={'extensions': ['myst_parser', 'results'], 'suppress_warnings': ['myst.*']},
  )  # fmt: skip
  app.build()
  return (folder / 'out' / 'index.txt').read_text(), warnings.getvalue()


def test_directives_become_tables(monkeypatch, tmp_path, tables):
  monkeypatch.syspath_prepend(str(EXTENSIONS))
  text, warnings = build(tmp_path, PAGE)
  assert not warnings
  for words in ('71.9 ± 0.5', 'Protocol: data long_tail_fashion/ratio_50', '0.213 ± 0.088'):
    assert words in text
  assert 'likely effect' in text


def test_a_name_that_is_not_there_is_a_warning(monkeypatch, tmp_path):
  monkeypatch.syspath_prepend(str(EXTENSIONS))
  text = '# Page\n\n```{results} no_such_folder\n:columns: cas\n```\n'
  assert 'results no_such_folder: ' in build(tmp_path, text)[1]
