"""Classifiers of an experiment: what protocols say of them, accuracies beside the paper's."""

from jaxgan.names import escaped
from jaxgan.report import formatting
from jaxgan.report.published import published_values

ROLES = ('classifier', 'annotator')
HEADER = ('experiment', 'role', 'accuracy % (ours)', 'accuracy % (published)')
EXPLANATION = (
  'Accuracy on the test split, where best checkpoints are also chosen, as by the authors. '
  'Classifier: of the long-tailed images, in the loop; annotator: labels generated images in the '
  'evaluation.'
)
_PAPER = 'class_balancing_gan'
_BALANCED = '1'  # The annotator's imbalance ratio.


def protocol(role: str, classifier) -> dict:
  """The fields of a protocol that describe a classifier.

  Args:
    role: 'classifier' or 'annotator'.
    classifier: a `jaxgan.jobs.Classifier`; None where there is none.
  """
  if classifier is None:
    return {f'{role}_accuracy': None}
  named = {f'{role}_{name}': value for name, value in classifier.protocol.items()}
  return {f'{role}_accuracy': classifier.accuracy, **named}


def add_missing(protocol: dict) -> None:
  """Adds to an older protocol what its classifiers were: there was one loss and one checkpoint."""
  for role in ROLES:
    if protocol.get(f'{role}_accuracy') is not None:
      protocol.setdefault(f'{role}_loss', 'cross_entropy')
      protocol.setdefault(f'{role}_checkpoint', 'latest')


def published(row: str | None) -> dict[str, float]:
  """The paper's accuracies, in percent, of the classifiers behind a published row.

  Args:
    row: of published_results.json, such as 'class_balancing_gan.cifar10.class_balancing.100'.

  Returns:
    {role: accuracy}, without the roles that the paper has no accuracy of.
  """
  paper, *names = (row or '').split('.')
  if paper != _PAPER:
    return {}
  values, _ = published_values(_PAPER)
  labelled = names[0] != 'semi_supervised'
  dataset = names[0 if labelled else 1]
  accuracies = values['pretrained_classifier_val_accuracy'].get(dataset)
  if not isinstance(accuracies, dict):  # One network that is both.
    return {} if accuracies is None else dict.fromkeys(ROLES, accuracies)
  ratio = str(values[dataset].get('imbalance_ratio', names[-1]))
  in_the_loop = accuracies.get(ratio)
  if not labelled:
    in_the_loop = values['semi_supervised'][dataset]['classifier_accuracy']
  found = {'classifier': in_the_loop, 'annotator': accuracies.get(_BALANCED)}
  return {role: accuracy for role, accuracy in found.items() if accuracy is not None}


def table(rows) -> list:
  """The classifiers of each experiment beside the paper's: lines of cells, the first the header.

  Args:
    rows: a list of `Row`; the methods of an experiment share their classifiers.
  """
  lines = [HEADER]
  for experiment in dict.fromkeys(row.experiment for row in rows):
    evaluations = [e for row in rows if row.experiment == experiment for e in row.evaluations]
    theirs = {}
    for evaluation in evaluations:
      theirs |= published(evaluation['published'])
    for role in ROLES:
      # Once for all methods that share it: those of a seed have the same one.
      found = {
        (p.get('seed'), p[f'{role}_accuracy']): p[f'{role}_accuracy']
        for p in (evaluation['protocol'] for evaluation in evaluations)
        if p.get(f'{role}_accuracy') is not None
      }
      if found:
        ours = formatting.mean_std([100 * value for value in found.values()], digits=2)
        cells = escaped(experiment), role, ours, formatting.published_value(theirs.get(role))
        lines.append(cells)
  return lines
