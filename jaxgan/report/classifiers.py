"""Classifiers of an experiment: their accuracies beside the paper's."""

from jaxgan.report import text
from jaxgan.report.published import published_values
from jaxgan.system.names import escaped

ROLES = ('classifier', 'annotator')
HEADER = ('experiment', 'role', 'accuracy % (ours)', 'accuracy % (published)')
EXPLANATION = (
  'Accuracy on the test split, where best checkpoints are also chosen, as by the authors. '
  'Classifier: of the long-tailed images, in the loop; annotator: labels generated images in the '
  'evaluation.'
)
_PAPER = 'class_balancing_gan'
_BALANCED = '1'  # The annotator's imbalance ratio.


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
  records, lines = {}, [HEADER]
  for row in rows:
    records.setdefault(row.experiment, []).extend(row.records)
  for experiment, own in records.items():
    theirs = {role: value for r in own for role, value in published(r.published).items()}
    for role in ROLES:
      # Once for all methods that share it: those of a seed have the same one.
      found = {(r.run.get('seed'), r.run.get(f'{role}_accuracy')): None for r in own}
      accuracies = [100 * accuracy for _, accuracy in found if accuracy is not None]
      if accuracies:
        paper = text.number(theirs[role], 2) if role in theirs else '-'
        lines.append((escaped(experiment), role, text.mean_std(accuracies, digits=2), paper))
  return lines
