"""Which methods differ from the baseline, by the seeds that both were trained with."""

from typing import Any, NamedTuple

from jaxgan.algorithms import regularisers
from jaxgan.evaluation.metric import GENERATED, LOWER
from jaxgan.metrics import bootstrap

BASELINE = 'unconditional'
# What metrics are called in a report, the first ones first; others have their own name.
HEADINGS = {
  'kl_from_uniform': 'KL',
  'fid': 'FID',
  'frechet_annotator': 'Fréchet (annotator)',
  'cas': 'CAS',
  'code_kl_from_uniform': 'KL of codes',
  'frechet_recogniser': 'Fréchet (recogniser)',
}
NONE = 'no difference shown'
# What must agree for two methods' numbers to mean the same.
_COMPARABLE = ('data', 'reference', 'samples')
_CAS = ('cas_images', 'cas_network', 'cas_epochs')  # Of the classification accuracy score alone.


class Comparison(NamedTuple):
  """A method beside the baseline.

  Attributes:
    row: the `report.rows.Row` of the method.
    baseline: the one that it is compared with.
    seeds: how many seeds they share.
    verdicts: {score: ('better', 'worse' or 'no difference shown', 95 % interval of the mean
      difference or None for fewer than two seeds)} of the scores that both have.
  """

  row: Any
  baseline: Any
  seeds: int
  verdicts: dict


def scores() -> dict:
  """The metrics by which methods are better or worse, numbers that have a better end, by name."""
  metrics = {name: GENERATED[name] for name in (*HEADINGS, *GENERATED)}
  return {
    name: metric
    for name, metric in metrics.items()
    if metric.better and not metric.axes and not metric.per_network
  }


def grouped(items, key) -> dict:
  """{key of an item: list of the items that have it}, in the order that they come in."""
  groups = {}
  for item in items:
    groups.setdefault(key(item), []).append(item)
  return groups


def heading(score: str) -> str:
  """What a score is called in a report."""
  return HEADINGS.get(score, score)


def _switches(row) -> str:
  return row.settings.get('switches', '')


def label(row) -> str:
  """The name of a row: its method, and what was switched on beside it with which weight."""
  names = []
  for name in filter(None, _switches(row).split(', ')):
    weight = row.settings.get(regularisers.SWITCHES[name][0])
    names.append(f'{name} {weight:g}' if isinstance(weight, float) else name)
  return ' + '.join(filter(None, (row.method, ', '.join(names))))


def compare(rows) -> list[Comparison]:
  """Compares each method of an experiment with its baseline.

  That is 'unconditional' or, where it is not among them, the first method; of a method with
  switches on, where it is among them, the same one without. Better or worse is only
  said where the paired bootstrap interval leaves 0 out, see `jaxgan.metrics.bootstrap`.

  Args:
    rows: of one or several experiments.
  """
  groups = grouped(rows, lambda r: repr([r.experiment, *map(r.settings.get, _COMPARABLE)]))
  pairs = [(row, _baselines(row, group)) for group in groups.values() for row in group]
  return [_compare(row, baselines) for row, baselines in pairs if row not in baselines]


def _baselines(row, group):
  plain = [other for other in group if not _switches(other)]
  if same := [other for other in plain if other.method == row.method and _switches(row)]:
    return same
  methods = [other.method for other in plain or group]
  name = BASELINE if BASELINE in methods else methods[0]
  return [other for other in plain or group if other.method == name]


def _compare(row, baselines):
  # Of several baselines one of as many steps, where there is one.
  baseline = min(baselines, key=lambda other: other.records[0].step != row.records[0].step)
  ours, theirs = _by_run(row), _by_run(baseline)
  same_cas = all(row.settings.get(name) == baseline.settings.get(name) for name in _CAS)
  shared = [run for run in ours if run in theirs]
  verdicts = {}
  for score, metric in scores().items():
    pairs = [(ours[run].get(score), theirs[run].get(score)) for run in shared]
    pairs = [pair for pair in pairs if None not in pair]
    if pairs and (same_cas or score != 'cas'):
      columns = tuple(zip(*pairs, strict=True))
      interval = bootstrap.paired_interval(*columns) if len(pairs) > 1 else None
      verdicts[score] = (bootstrap.verdict(*columns, metric.better == LOWER), interval)
  return Comparison(row, baseline, len(shared), verdicts)


def _by_run(row):
  """{(seed, judge): results}: numbers of different annotators are not comparable.

  Without labels the recogniser is the judge.
  """
  judges = {'classes': 'annotator_accuracy', 'codes': 'recogniser'}
  return {
    (record.run.get('seed'), record.run.get(judges[record.counted_by])): record.results
    for record in row.records
  }


def in_words(comparison: Comparison) -> str:
  """A comparison as a line: 'a against b (3 shared seeds): better in KL; worse in CAS'."""
  own = comparison.verdicts
  scores = {word: [s for s in own if own[s][0] == word] for word in ('better', 'worse', NONE)}
  named = {word: ', '.join(map(heading, found)) for word, found in scores.items() if found}
  parts = '; '.join(f'{word} in {names}' for word, names in named.items())
  seeds = f'{comparison.seeds} shared seed{"" if comparison.seeds == 1 else "s"}'
  who = f'{label(comparison.row)} against {label(comparison.baseline)}'
  return f'{who} ({seeds}): {parts or NONE}'
