"""Markdown tables of stored results, published rows and differences from the authors' code.

Plain functions, so that tests need no Sphinx; `results` makes directives of them.
"""

import fnmatch
import json
import pathlib
import re
import statistics

from experiments import rows
from jaxgan.evaluation import record as record_lib
from jaxgan.report.published import published_values

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / 'experiments' / 'results'
# Metric -> (heading, scale, digits).
COLUMNS = {
  'kl_from_uniform': ('KL', 1, 3),
  'code_kl_from_uniform': ('KL of codes', 1, 3),
  'fid': ('FID', 1, 2),
  'frechet_annotator': ('Fréchet (annotator)', 1, 2),
  'frechet_recogniser': ('Fréchet (recogniser)', 1, 2),
  'cas': ('CAS %', 100, 1),
  'precision/annotator': ('precision', 1, 2),
  'recall/annotator': ('recall', 1, 2),
  'nmi': ('NMI', 1, 3),
  'nmi_geometric': ('NMI (geometric)', 1, 3),
  'ent': ('ENT', 1, 3),
  'empty_codes_and_classes': ('empty', 1, 1),
  'knn1_accuracy': ('1-NN %', 100, 1),
  'knn1_accuracy_features': ('1-NN %, features', 100, 1),
  'kmeans_nmi': ('k-means NMI', 1, 3),
  'kmeans_ari': ('k-means ARI', 1, 3),
  'prior_distance': ('prior distance', 1, 3),
}
# Metric -> (published measure, its scale).
PUBLISHED = {
  'kl_from_uniform': ('kl', 1),
  'cas': ('cas', 1),
  'fid': ('fid', 1),
  'nmi_geometric': ('nmi', 1),  # The mean that the paper's scikit-learn took.
  'ent': ('ent', 1),
  'knn1_accuracy': ('knn1_accuracy', 100),
}
# Field of a record -> its words in a protocol.
PROTOCOL = {
  'data': 'data {}',
  'step': 'step {}',
  'samples': '{} generated images',
  'reference_images': 'compared with {} real ones',
  'images_per_code': '{} images of each code',
  'feature_network': 'features of {}',
  'resize': 'resize: {}',
  'batch_norm': 'batch norm: {}',
  'annotator_accuracy': 'annotator right on {} % of the test images',
  'cas_images': 'CAS of {} images',
  'cas_epochs': 'CAS classifier trained for {} epochs',
  'seed': 'seed {}',
  'hardware': 'on {}',
  'jax': 'jax {}',
}
_RUN = re.compile(r'(_set\d+_draw\d+)?(_split\d+)?(_seed\d+)?$')
_MISSING = '-'


def records(name: str, only: str = '*') -> dict:
  """{row: its records, one for each seed or split} of a folder of experiments/results.

  Args:
    name: the folder.
    only: a pattern of file names without their ending.

  Returns:
    The rows by the names of their files, without the parts that name set, split and seed.

  Raises:
    ValueError: there is no such folder, or no record in it that fits the pattern.
  """
  found = {}
  for path in sorted((RESULTS / name).rglob('*.json')):
    data = json.loads(path.read_text(encoding='utf-8'))
    if not isinstance(data, dict) or not {'experiment', 'method', 'results'} <= data.keys():
      continue
    if fnmatch.fnmatch(path.stem, only):
      found.setdefault(_RUN.sub('', path.stem), []).append(record_lib.read(path))
  if not found:
    raise ValueError(f'{name}: expected a folder of experiments/results with records like {only}')
  return found


def with_spread(values, digits: int) -> str:
  """The mean of some values and, of several, ± their sample standard deviation."""
  if not values:
    return _MISSING
  text = f'{statistics.fmean(values):.{digits}f}'
  return text if len(values) == 1 else f'{text} ± {statistics.stdev(values):.{digits}f}'


def results_table(name: str, columns, only: str = '*', names=(), published=False) -> str:
  """The Markdown table of the records in a folder: a row for each method or setting.

  Args:
    name: the folder of experiments/results.
    columns: names of metrics, keys of COLUMNS.
    only: see `records`.
    names: of the rows, in their order; by default all, sorted.
    published: whether the paper's values stand beside the measured ones.
  """
  found = records(name, only)
  if unknown := [row for row in names if row not in found]:
    raise ValueError(f'{name}: no rows {unknown}, expected some of {list(found)}')
  several = max(map(len, found.values()))
  lines = [['' if several == 1 else f'mean ± std of {several}']]
  for metric in columns:
    lines[0].append(COLUMNS[metric][0] if metric in COLUMNS else metric)
    if published and metric in PUBLISHED:
      lines[0].append(f'{COLUMNS[metric][0]} (published)')
  for row in names or found:
    own, cells = found[row], [f'`{row}`']
    for metric in columns:
      _, scale, digits = COLUMNS.get(metric, (metric, 1, 2))
      values = [record.results.get(metric) for record in own]
      cells.append(with_spread([scale * v for v in values if v is not None], digits))
      if published and metric in PUBLISHED:
        cells.append(_published(own[0], *PUBLISHED[metric]))
    lines.append(cells)
  return markdown(lines)


def _published(record, measure: str, scale: float) -> str:
  """The published value of a record's method, or '-'."""
  if record.published is None:
    return _MISSING
  if '.' in record.published:  # Of class balancing: a row of the paper's tables.
    value = published_values(record.published)[0].get(measure)
  else:  # Of codes: a data set, a column of the paper's tables.
    paper = published_values('elastic_infogan')[0]
    value = paper.get(measure, {}).get(record.method, {}).get(record.published)
  return _value(value, scale)


def _value(value, scale: float = 1) -> str:
  """A published value: a number, or a mean with its standard deviation."""
  if value is None:
    return _MISSING
  numbers = value if isinstance(value, list) else [value]
  return ' ± '.join(f'{round(scale * number, 4):g}' for number in numbers)


def protocol(name: str, only: str = '*', names=()) -> str:
  """One sentence on how the records of a folder were measured, from their settings.

  A setting with more than three values is left out. Arguments: see `results_table`.
  """
  own = records(name, only)
  found = [record for row in names or own for record in own[row]]
  runs = [{'step': r.step, **r.settings, **r.run} for r in found]
  for run in runs:
    run['data'] = run['data'].partition('/1.0.0')[0]
    for name in ('feature_network', 'resize'):  # As in 'frechet_annotator: none'.
      run[name] = re.sub(r'frechet_(\w+: )', r'\1', run.get(name) or '') or None
    if 'annotator_accuracy' in run:
      run['annotator_accuracy'] = f'{100 * run["annotator_accuracy"]:.1f}'
  parts = [_common(runs, field, words) for field, words in PROTOCOL.items()]
  return f'Protocol: {"; ".join(filter(None, parts))}.'


def _common(runs, field: str, words: str) -> str:
  values = dict.fromkeys(_thousands(run[field]) for run in runs if run.get(field) is not None)
  between = ', ' if field == 'seed' else ' or '
  return words.format(between.join(values)) if 1 <= len(values) <= 3 else ''


def _thousands(value) -> str:
  return f'{value:,}' if isinstance(value, int) else str(value)


def codes_table(measure: str) -> str:
  """Elastic-InfoGAN's published table of a measure: methods by data sets, mean ± std.

  Args:
    measure: 'nmi', 'ent' or 'knn1_accuracy'.
  """
  paper, _ = published_values('elastic_infogan')
  values, scale = paper[measure], 100 if measure == 'knn1_accuracy' else 1
  datasets = list(dict.fromkeys(data for own in values.values() for data in own))
  lines = [['method', *datasets]]
  for method, own in values.items():
    lines.append([f'`{method}`', *(_value(own.get(data), scale) for data in datasets)])
  return markdown(lines)


def published_table(name: str) -> str:
  """The published rows of a paper with their commands.

  Args:
    name: 'class_balancing', or a measure of `codes_table`.
  """
  return rows.table() if name == 'class_balancing' else codes_table(name)


def differences_table(name: str) -> str:
  """What differs from the authors' code, its likely effect and where.

  Args:
    name: 'class_balancing' or 'elastic_infogan'.
  """
  class_balancing, elastic_infogan = rows.differences_tables().split('\n\nElastic-InfoGAN:\n\n')
  found = {
    'class_balancing': class_balancing.removeprefix('Class Balancing GAN:\n\n'),
    'elastic_infogan': elastic_infogan,
  }
  return found[name]


def markdown(lines) -> str:
  """A Markdown table of lines of cells, the first one the header."""
  rows = [f'| {" | ".join(line)} |' for line in lines]
  return '\n'.join([rows[0], f'|{"---|" * len(lines[0])}', *rows[1:]])
