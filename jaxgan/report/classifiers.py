"""Classifiers of an experiment: their accuracies beside the paper's."""

from jaxgan.report import formatting
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
  lines = [HEADER]
  for experiment in dict.fromkeys(row.experiment for row in rows):
    records = [record for row in rows if row.experiment == experiment for record in row.records]
    theirs = {}
    for record in records:
      theirs |= published(record.published)
    for role in ROLES:
      # Once for all methods that share it: those of a seed have the same one.
      found = {
        (record.run.get('seed'), accuracy): accuracy
        for record in records
        if (accuracy := record.run.get(f'{role}_accuracy')) is not None
      }
      if found:
        ours = formatting.mean_std([100 * value for value in found.values()], digits=2)
        cells = escaped(experiment), role, ours, formatting.published_value(theirs.get(role))
        lines.append(cells)
  return lines
