"""Which folder of a work directory a job has, and what it remembers there."""

import pathlib

from jaxgan.data import training_data
from jaxgan.runs import families
from jaxgan.runs.experiment import MethodJob
from jaxgan.runs.facts import is_trained
from jaxgan.system import files


def method_config(config, method: str, data: training_data.TrainingData):
  """What the job of a method depends on, its frozen networks and evaluation included."""
  own = config.model_copy(update={'methods': (method,)})
  fields = {'images': data.arrays.key, 'modules': sorted(families.registered_by(own))}
  return families.experiment(dict(own) | fields, MethodJob)


def of_classifier(config, role: str, workdir: pathlib.Path) -> pathlib.Path:
  """The folder of a classifier: the one that is given, or its own in the work directory.

  Where annotator and classifier have the same section they are one network, in the classifier's.
  """
  if not is_trained(config, role):
    return files.expanded(getattr(config, role).folder)
  one_network = getattr(config, role) == config.classifier
  return pathlib.Path(workdir) / ('classifier' if one_network else role)
