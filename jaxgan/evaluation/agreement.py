"""Accuracies and agreement of classifier and annotator, as fields of a record."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from data_prep.build import Arrays
from jaxgan.data.training_data import TrainingData
from jaxgan.metrics import accuracy
from jaxgan.training.classifiers import Classifier, class_positions, compile_classify


def accuracy_fields(role: str, classifier: Classifier | None) -> dict[str, Any]:
  """Returns the accuracy of a classifier with its 95 % interval and number of test images.

  Args:
    role: 'classifier' or 'annotator'.
    classifier: the classifier, or None.

  Returns:
    {field: value}; the accuracy is None without a classifier.
  """
  if classifier is None:
    return {f'{role}_accuracy': None}
  fields = {f'{role}_accuracy': classifier.accuracy}
  if (num := classifier.num_tested) and classifier.accuracy is not None:
    low, high = accuracy.wilson_interval(round(classifier.accuracy * num), num)
    fields |= {
      f'{role}_accuracy_low': low, f'{role}_accuracy_high': high, f'{role}_test_images': num
    }  # fmt: skip
  return fields


def are_one(classifiers: Mapping[str, Classifier]) -> bool:
  """Whether classifier and annotator have the same weights."""
  own = [classifiers[role].key for role in ('classifier', 'annotator') if role in classifiers]
  return len(own) == 2 and own[0] == own[1]


def agreement_fields(
  classifiers: Mapping[str, Classifier], data: TrainingData, test: Arrays
) -> dict[str, Any]:
  """Measures on test images how often classifier and annotator give the same class.

  Args:
    classifiers: {role: Classifier}.
    data: the TrainingData of the experiment, for its classes.
    test: the test images of the experiment.

  Returns:
    {'annotator_agreement': share, 'annotator_kappa': Cohen's kappa or None}; {} unless both are
    there and differ.
  """
  if not {'classifier', 'annotator'} <= classifiers.keys() or are_one(classifiers):
    return {}
  ours, theirs = (
    _classes(classifiers[role], data, test.images) for role in ('classifier', 'annotator')
  )
  return {
    'annotator_agreement': float((ours == theirs).mean()), 'annotator_kappa': _kappa(ours, theirs)
  }  # fmt: skip


def _kappa(ours: np.ndarray, theirs: np.ndarray) -> float | None:
  """Cohen's kappa, the agreement beyond chance; None if both give one label to all images.

  Of long-tailed images, classifiers that only know the frequent class agree often and have a kappa
  near 0. See "A Coefficient of Agreement for Nominal Scales", Cohen 1960.
  """
  from sklearn.metrics import cohen_kappa_score  # Takes a second to import.

  return float(cohen_kappa_score(ours, theirs)) if len(np.union1d(ours, theirs)) > 1 else None


def _classes(classifier, data, images) -> np.ndarray:
  """The classes of the experiment that a classifier predicts; -1 for other classes."""
  labels, _ = compile_classify(classifier.classify)(classifier.variables, images)
  known = class_positions(classifier.class_names, data, 0)
  assert known is not None  # A rule refuses classifiers that lack a class.
  class_of = np.full(len(classifier.class_names), -1)
  class_of[known] = np.arange(len(known))
  return class_of[labels]
