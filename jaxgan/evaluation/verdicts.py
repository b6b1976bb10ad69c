"""Verdicts: which methods differ from the baseline over their shared seeds."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from jaxgan.algorithms import regularisers
from jaxgan.evaluation.metric import GENERATED, LOWER, Metric
from jaxgan.metrics import bootstrap

BASELINE = 'unconditional'
# The headings of metrics in a report, in order; other metrics have their names as headings.
HEADINGS = {
  'kl_from_uniform': 'KL',
  'fid': 'FID',
  'frechet_annotator': 'Fréchet (annotator)',
  'cas': 'CAS',
  'code_kl_from_uniform': 'KL of codes',
  'frechet_recogniser': 'Fréchet (recogniser)',
}
NONE = 'no difference shown'
# Settings that must agree for two methods to be compared.
_COMPARABLE = ('data', 'reference', 'reference_weights', 'samples')
_CAS = ('cas_images', 'cas_network', 'cas_epochs')  # For the classification accuracy score only.


class Comparison(NamedTuple):
  """The comparison of a method with the baseline.

  Attributes:
    row: the `report.rows.Row` of the method.
    baseline: the `report.rows.Row` of the baseline.
    seeds: number of shared seeds.
    verdicts: {score: ('better', 'worse' or 'no difference shown', 95 % interval of the mean
      difference or None for fewer than two seeds)}, for the scores that both have.
  """

  row: Any
  baseline: Any
  seeds: int
  verdicts: dict


def scores() -> dict[str, Metric]:
  """Returns the metrics that rank methods: single numbers of which LOWER or HIGHER is better."""
  metrics = {name: GENERATED[name] for name in (*HEADINGS, *GENERATED)}
  return {
    name: metric
    for name, metric in metrics.items()
    if metric.better and not metric.axes and not metric.per_network
  }


def grouped(items: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list]:
  """Groups items as {key(item): items}, in order of first occurrence."""
  groups = {}
  for item in items:
    groups.setdefault(key(item), []).append(item)
  return groups


def heading(score: str) -> str:
  """Returns the heading of a score in a report."""
  return HEADINGS.get(score, score)


def _switches(row) -> str:
  return row.settings.get('switches', '')


def label(row: Any) -> str:
  """Returns the name of a row: its method and its regularisers with their weights."""
  names = []
  for name in filter(None, _switches(row).split(', ')):
    weight = row.settings.get(regularisers.SWITCHES[name][0])
    names.append(f'{name} {weight:g}' if isinstance(weight, float) else name)
  return ' + '.join(filter(None, (row.method, ', '.join(names))))


def compare(rows: Sequence[Any]) -> list[Comparison]:
  """Compares each method of an experiment with its baseline.

  The baseline of a method with regularisers is the same method without them. Otherwise it is
  'unconditional' or, without an 'unconditional' row, the first method. A verdict is 'better' or
  'worse' only if the paired bootstrap interval excludes 0, see `jaxgan.metrics.bootstrap`.

  Args:
    rows: the `report.rows.Row`s of one or several experiments.

  Returns:
    The comparisons.
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
  # Prefer a baseline that was trained for as many steps.
  baseline = min(baselines, key=lambda other: other.records[0].step != row.records[0].step)
  ours, theirs = _by_run(row), _by_run(baseline)
  same_cas = all(row.settings.get(name) == baseline.settings.get(name) for name in _CAS)
  shared = [run for run in ours if run in theirs]
  verdicts = {}
  for score, metric in scores().items():
    pairs = [(ours[run].get(score), theirs[run].get(score)) for run in shared]
    pairs = [pair for pair in pairs if None not in pair]
    if pairs and (same_cas or score != 'cas'):
      own, other = zip(*pairs, strict=True)
      interval = bootstrap.paired_interval(own, other) if len(pairs) > 1 else None
      verdicts[score] = (bootstrap.verdict(own, other, metric.better == LOWER), interval)
  return Comparison(row, baseline, len(shared), verdicts)


def _by_run(row):
  """{(seed, judge): results}: results by different annotators are not comparable.

  Without labels the judge is the recogniser.
  """
  judges = {'classes': 'annotator_accuracy', 'codes': 'recogniser'}
  return {
    (record.run.get('seed'), record.run.get(judges[record.counted_by or ''])): record.results
    for record in row.records
  }


def in_words(comparison: Comparison) -> str:
  """Writes a comparison as 'a against b (3 shared seeds): better in KL; worse in CAS'."""
  own = comparison.verdicts
  who = f'{label(comparison.row)} against {label(comparison.baseline)}'
  if comparison.seeds == 1:
    return f'{who} (1 shared seed): no verdict from one seed, train three (--config.replicas=3)'
  scores = {word: [s for s in own if own[s][0] == word] for word in ('better', 'worse', NONE)}
  named = {word: ', '.join(map(heading, found)) for word, found in scores.items() if found}
  parts = '; '.join(f'{word} in {names}' for word, names in named.items())
  return f'{who} ({comparison.seeds} shared seeds): {parts or NONE}'
