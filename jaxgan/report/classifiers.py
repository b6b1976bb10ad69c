"""Report on classifiers: their accuracies with intervals, their agreement, the paper's values."""

from collections.abc import Mapping, Sequence
import statistics
from typing import Any

from jaxgan.evaluation import verdicts
from jaxgan.evaluation.record import ONE_NETWORK
from jaxgan.metrics import accuracy
from jaxgan.report import tables
from jaxgan.report.published import published_values
from jaxgan.report.rows import Row
from jaxgan.system.names import escaped

_BALANCED = '1'  # the annotator's imbalance ratio
ROLES = ('classifier', 'annotator')
_ABOVE = ('experiment', 'role', 'accuracy % (ours)', 'accuracy % (published)')
_MEASURED = ('test images', '95 % interval', 'same class as the classifier %', "Cohen's kappa")
EXPLANATION = (
  "Accuracy on the test split, which also selects the best checkpoints, as in the authors' code. "
  'The classifier is trained on the long-tailed images, for the loop; the annotator labels '
  'generated images in the evaluation. Interval: 95 % Wilson interval of the mean accuracy on that '
  "many test images. Cohen's kappa: agreement of the two beyond chance."
)


def _spread(runs: Sequence[Mapping[str, Any]], name: str) -> list[float]:
  """The values of a field; runs with the same seed and value share a classifier."""
  found = {(run.get('seed'), run.get(name)): None for run in runs}
  return [value for _, value in found if value is not None]


def _interval(runs, role) -> tuple[float, float, int] | None:
  """The interval of the mean accuracy in percent, and its test images; None in older records."""
  ours, tested = _spread(runs, f'{role}_accuracy'), _spread(runs, f'{role}_test_images')
  if not ours or not tested:
    return None
  # Runs of several seeds share the test images, so that they do not add up.
  num = int(min(tested))
  low, high = accuracy.wilson_interval(round(statistics.fmean(ours) * num), num)
  return 100 * low, 100 * high, num


def in_words(runs: Sequence[Mapping[str, Any]]) -> list[str]:
  """Writes accuracies with their intervals, and the agreement, as lines for the terminal.

  Args:
    runs: the field `run` of records; accuracies of several seeds are averaged.

  Returns:
    A line for each classifier and one for their agreement, as far as they were measured.
  """
  lines = []
  for role in ROLES:
    if found := _interval(runs, role):
      low, high, num = found
      mean = 100 * statistics.fmean(_spread(runs, f'{role}_accuracy'))
      lines.append(
        f'{role}: {mean:.1f} % of {num:,} test images right (95 % interval {low:.1f} to '
        f'{high:.1f} %)'
      )
  if same := _spread(runs, 'annotator_agreement'):
    kappa = _spread(runs, 'annotator_kappa')
    beyond = f" (Cohen's kappa {statistics.fmean(kappa):.2f})" if kappa else ''
    lines.append(
      f'both give the same class to {100 * statistics.fmean(same):.1f} % of the test images{beyond}'
    )
  return lines


def warnings(rows: Sequence[Row]) -> list[str]:
  """Names the methods whose classifier in the loop is their judge, too; [] without any."""
  flattered = [
    f'{row.experiment} {verdicts.label(row)}' for row in rows if ONE_NETWORK in row.notes()
  ]
  return [f'{", ".join(dict.fromkeys(flattered))}: {ONE_NETWORK}.'] if flattered else []


def lines(rows: Sequence[Row]) -> list:
  """Tabulates the classifiers of each experiment, which its methods share, beside the paper's."""
  found, measured = [], False
  for experiment, own in verdicts.grouped(rows, lambda row: row.experiment).items():
    records = [record for row in own for record in row.records]
    runs = [record.run for record in records]
    theirs = dict(pair for r in records for pair in classifier_accuracies(r.published).items())
    for role in ROLES:
      if ours := _spread(runs, f'{role}_accuracy'):
        paper = tables.number(theirs[role], 2) if role in theirs else '-'
        cells = _measured(runs, role)
        measured |= any(cell != '-' for cell in cells)
        mean = tables.mean_std([100 * value for value in ours], digits=2)
        found.append((escaped(experiment), role, mean, paper, *cells))
  width = len(_ABOVE) + len(_MEASURED) * measured  # Older records have accuracies only.
  return [line[:width] for line in [(*_ABOVE, *_MEASURED), *found]]


def _measured(runs, role) -> list[str]:
  """The cells of `_MEASURED`."""
  cells = ['-'] * len(_MEASURED)
  if interval := _interval(runs, role):
    low, high, num = interval
    cells[:2] = [f'{num:,}', f'{low:.2f} to {high:.2f}']
  if role == 'annotator':
    for at, name, scale in ((2, 'annotator_agreement', 100), (3, 'annotator_kappa', 1)):
      if values := _spread(runs, name):
        cells[at] = tables.mean_std([scale * value for value in values], digits=2)
  return cells


def classifier_accuracies(row: str | None) -> dict[str, float]:
  """Looks up the paper's accuracies of the classifiers behind a published row.

  Args:
    row: a row of published_results.json, such as
      'class_balancing_gan.cifar10.class_balancing.100'.

  Returns:
    {role: accuracy in percent}, for the roles with a published accuracy.
  """
  paper, *names = (row or '').split('.')
  if paper != 'class_balancing_gan':
    return {}
  values, _ = published_values(paper)
  few_labels = names[0] == 'semi_supervised'
  dataset = names[1 if few_labels else 0]
  accuracies = values['pretrained_classifier_val_accuracy'].get(dataset)
  if isinstance(accuracies, dict):
    ratio = str(values[dataset].get('imbalance_ratio', names[-1]))
    found = {'classifier': accuracies.get(ratio), 'annotator': accuracies.get(_BALANCED)}
  else:  # One network has both roles.
    found = dict.fromkeys(ROLES, accuracies)
  if few_labels:
    found['classifier'] = values['semi_supervised'][dataset]['classifier_accuracy']
  return {role: accuracy for role, accuracy in found.items() if accuracy is not None}
