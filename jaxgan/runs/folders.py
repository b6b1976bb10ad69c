"""Which folder of a work directory a job has, and what it remembers there."""

import pathlib

from jaxgan import data as data_lib
from jaxgan import files, jobs, recogniser
from jaxgan.runs.facts import is_trained

_REMEMBERED = ('experiment', 'replicas', 'published', 'evaluation', 'classifier', 'annotator')
_REMEMBERED += (recogniser.ROLE, 'cas')


def method_config(config, method: str, data: data_lib.TrainingData):
  """What the job of a method depends on, its frozen networks and evaluation included."""
  own = jobs.job_config(config, config, data.pool)
  resolved = config.copy_and_resolve_references()
  for name in _REMEMBERED:
    if name in resolved:
      own[name] = resolved[name]
  own.methods = (method,)
  return own


def of_classifier(config, role: str, workdir: pathlib.Path) -> pathlib.Path:
  """The folder of a classifier: the one that is given, or its own in the work directory.

  Where annotator and classifier have the same section they are one network, in the classifier's.
  """
  if not is_trained(config, role):
    return files.expanded(config[role].folder)
  one_network = 'classifier' in config and config[role].to_dict() == config.classifier.to_dict()
  return pathlib.Path(workdir) / ('classifier' if one_network else role)
