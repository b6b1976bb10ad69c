"""Accuracies and agreement of classifier and annotator, as fields of a record."""

from collections.abc import Mapping
import math
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
  kappa = accuracy.cohens_kappa(ours, theirs)
  return {
    'annotator_agreement': accuracy.same_share(ours, theirs),
    'annotator_kappa': None if math.isnan(kappa) else kappa,
  }


def _classes(classifier, data, images) -> np.ndarray:
  """The classes of the experiment that a classifier predicts; -1 for other classes."""
  labels, _ = compile_classify(classifier.classify)(classifier.variables, images)
  known = class_positions(classifier.class_names, data, 0)
  assert known is not None  # A rule refuses classifiers that lack a class.
  class_of = np.full(len(classifier.class_names), -1)
  class_of[known] = np.arange(len(known))
  return class_of[labels]
