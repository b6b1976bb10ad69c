"""Assessments: rules on numbers worked out by hand."""

import pytest

from jaxgan.evaluation import assessment
from jaxgan.evaluation.assessment import Evidence, Level
from jaxgan.evaluation.record import LabelSet

GOOD = Evidence(
  results={
    'kl_from_uniform': 0.02,
    'class_counts': [110.0, 100.0, 90.0],
    'frechet_annotator': 0.5,
    'recall/annotator': 0.8,
    'cas': 0.78,
    'class_covariance_trace/annotator': [0.9, 0.8, 1.0],
    'class_covariance_trace_reference/annotator': [1.0, 1.0, 1.0],
    'memorisation/classes': [2.0],
    'memorisation/copying': [0.4],
    'memorisation/held_out_images': [20.0],
  },
  settings={'classifier': 'classifier', 'regulariser_weight': 5.0},
  labels={'classes': LabelSet(names=('shirt', 'boot', 'bag'), counts=(500, 50, 5))},
  training={'kl_from_uniform': 0.7, 'frechet_annotator': 3.0, 'cas': 0.8},
  test={
    'frechet_annotator': 0.1,
    'feature_variance/annotator': 6.0,
    'recall/annotator': 0.95,
    'class_accuracy': [0.9, 0.8, 0.9],
    'class_images': [20, 20, 20],
  },
  log=[
    {'step': step, 'evaluation/frechet_annotator': value}
    for step, value in ((100, 2.0), (200, 0.8), (300, 0.52), (400, 0.5))
  ],
  longer='--config.train.steps=800',
  export='jaxgan export',
  pictures='samples.png',
)


def _with(results=None, **fields):
  return GOOD._replace(results=GOOD.results | (results or {}), **fields)


def _levels(evidence):
  return {one.rule: one.level for one in assessment.images(evidence) if one.level != Level.GOOD}


def _next(evidence):
  return assessment.images(evidence)[-1].text


def test_a_run_that_worked():
  assert _levels(GOOD) == {}
  assert [one.text for one in assessment.images(GOOD)] == [
    'The classes are balanced (KL 0.020, real training images 0.700).',
    'The images are close to real ones: Fréchet 0.5 where real ones have 0.1; a classifier trained '
    'on them reaches 78 %, on real ones 80 %.',
    'It hardly changes any more: Fréchet from 0.52 to 0.5 over the last quarter of the run.',
    'Next: look at samples.png; then jaxgan export.',
  ]


def test_blobs_that_are_balanced_and_precise_do_not_pass():
  blobs = _with({'kl_from_uniform': 0.04, 'frechet_annotator': 6.2, 'precision/annotator': 0.839})
  quality = assessment.quality(blobs)
  assert quality.level == Level.BAD
  assert quality.text.startswith(
    'The images are far from real ones: Fréchet 6.2 where real ones have 0.1'
  )


@pytest.mark.parametrize(
  ('kl', 'counts', 'level', 'words'),
  [
    (0.04, [110, 100, 90], Level.GOOD, 'are balanced'),
    (0.04, [150, 140, 15], Level.FAIR, 'but for bag: bag has 5 % of the images'),
    (0.30, [200, 70, 30], Level.FAIR, 'more balanced than the training images, not equal'),
    (0.40, [250, 40, 10], Level.BAD, 'not balanced'),
    (0.90, [299, 1, 0], Level.BAD, 'bag has 0 % of the images'),
  ],
)
def test_balance(kl, counts, level, words):
  found = assessment.balance(_with({'kl_from_uniform': kl, 'class_counts': counts}))
  assert found.level == level
  assert words in found.text


def test_without_yardsticks_the_training_counts_tell_balance_and_quality_is_unknown():
  old = _with({'kl_from_uniform': 0.6, 'class_counts': [280, 15, 5]}, training={}, test={}, log=())
  assert _levels(old) == {
    'balance': Level.BAD, 'quality': Level.UNKNOWN, 'progress': Level.UNKNOWN
  }  # fmt: skip
  assert 'real training images 0.745' in assessment.balance(old).text  # Of 500, 50 and 5 images.
  assert 'were not measured' in assessment.quality(old).text
  assert _next(old._replace(evaluate='jaxgan evaluate')).endswith(
    'to compare with: jaxgan evaluate.'
  )


@pytest.mark.parametrize(
  ('distance', 'unbalanced', 'level'),
  [
    (0.69, False, Level.GOOD),  # 0.1 + 0.1 of a variance of 6.
    (0.71, False, Level.FAIR),
    (2.49, False, Level.FAIR),
    (2.51, False, Level.BAD),
    # The training images are as unbalanced and have 3.0.
    (3.5, True, Level.GOOD),
    (5.3, True, Level.FAIR),
    (5.5, True, Level.BAD),
  ],
)
def test_quality_is_the_excess_over_real_images(distance, unbalanced, level):
  found = assessment.quality(_with({'frechet_annotator': distance}), unbalanced)
  assert found.level == level
  assert ('real training images have 3' in found.text) == unbalanced


def test_images_that_teach_little_are_not_close():
  found = assessment.quality(_with({'cas': 0.5}))  # (0.5 - 1/3) / (0.8 - 1/3) = 0.36.
  assert found.level == Level.FAIR
  assert 'learns little' in found.text


def test_images_with_differences_that_teach_little_are_far():
  unlike = {'frechet_annotator': 1.5, 'cas': 0.5}
  assert assessment.quality(_with(unlike)).level == Level.BAD
  assert assessment.quality(_with(unlike | {'cas': 0.7})).level == Level.FAIR


def test_classes_that_hardly_occur_are_named():
  found = assessment.balance(_with({'kl_from_uniform': 0.9, 'class_counts': [295.0, 5.0, 0.0]}))
  assert found.level == Level.BAD
  assert found.text.endswith(': bag has 0 % of the images (hardly any: boot, bag).')


def test_two_evaluations_do_not_tell_that_a_run_has_come_to_rest():
  for last, level in ((0.5, Level.UNKNOWN), (0.3, Level.FAIR), (0.8, Level.BAD)):
    log = [{'step': s, 'evaluation/fid': v} for s, v in ((20, 0.51), (40, last))]
    assert assessment.progress(GOOD._replace(log=log), 'fid').level == level


def test_alike_images():
  alike = {'class_covariance_trace/annotator': [0.2, 0.9, None], 'class_counts': [150, 150, 0]}
  found = assessment.variety(_with(alike))
  assert (found.level, 'in shirt:' in found.text) == (Level.BAD, True)
  few = _with(alike | {'class_counts': [9, 150, 0]})  # Too few images for a variance.
  assert assessment.variety(few).level == Level.GOOD
  assert assessment.variety(_with({'recall/annotator': 0.47})).level == Level.BAD
  assert assessment.variety(_with({'recall/annotator': None})).level == Level.UNKNOWN


@pytest.mark.parametrize(
  ('copying', 'held_out', 'level'),
  [(0.79, 5, Level.GOOD), (0.81, 5, Level.BAD), (1.0, 4, Level.UNKNOWN), (None, 9, Level.UNKNOWN)],
)
def test_copying(copying, held_out, level):
  seen = {'memorisation/copying': [copying], 'memorisation/held_out_images': [held_out]}
  found = assessment.copying(_with(seen))
  assert found.level == level
  assert ('bag' in found.text) == (level == Level.BAD)


def test_classes_that_cannot_be_judged():
  test = GOOD.test | {'class_accuracy': [0.9, 0.59, None], 'class_images': [10, 10, 0]}
  found = assessment.judged(GOOD._replace(test=test))
  assert found.level == Level.FAIR
  assert found.text == (
    'Some classes cannot be judged: the annotator often errs on boot (59 % right); there are few '
    'test images of bag (0).'
  )


@pytest.mark.parametrize(
  ('values', 'level'),
  [
    ((4, 2, 1.0, 0.8), Level.FAIR),
    ((4, 2, 1.0, 0.95), Level.GOOD),
    ((4, 2, 1.0, 1.2), Level.BAD),
    ((4,), Level.UNKNOWN),
    ((), Level.UNKNOWN),
  ],
)
def test_progress_over_the_last_quarter(values, level):
  log = [{'step': 100 * (i + 1), 'evaluation/fid': value} for i, value in enumerate(values)]
  assert assessment.progress(GOOD._replace(log=log), 'fid').level == level


def test_progress_of_noise_is_a_fitted_line():
  noisy = [1.0, 0.9] * 20
  log = [{'step': 100 * (i + 1), 'evaluation/fid': value} for i, value in enumerate(noisy)]
  assert assessment.progress(GOOD._replace(log=log), 'fid').level == Level.GOOD


def test_the_next_step_is_the_first_problem_that_it_solves():
  falling = [{'step': 75, 'evaluation/frechet_annotator': 8.0}]
  falling.append({'step': 100, 'evaluation/frechet_annotator': 6.0})
  assert '--config.train.steps=800' in _next(_with({'frechet_annotator': 6.0}, log=falling))
  assert 'larger networks' in _next(_with({'frechet_annotator': 6.0}))
  assert 'fewer steps' in _next(_with({'memorisation/copying': [0.9]}))
  unbalanced = {'kl_from_uniform': 0.7, 'frechet_annotator': 3.0, 'class_counts': [280, 15, 5]}
  assert 'regulariser_weight=10 ' in _next(_with(unbalanced))
  assert 'use class_balancing' in _next(_with(unbalanced, settings={}))


def test_codes():
  labels = {'classes': LabelSet(names=('a', 'b'), counts=(90, 10)), **_codes()}
  seen = {'nmi': 0.8, 'empty_codes_and_classes': 0, 'prior_distance': 0.1, 'prior': [0.8, 0.2]}
  evidence = Evidence(seen, {}, labels, pictures='grid.png')
  levels = [one.level for one in assessment.codes(evidence)]
  assert levels == [Level.GOOD, Level.GOOD, Level.UNKNOWN, Level.GOOD]
  poor = evidence._replace(results=seen | {'nmi': 0.3, 'prior_distance': 0.33})
  assert [one.level for one in assessment.codes(poor)][:2] == [Level.BAD, Level.BAD]
  assert 'a uniform prior 0.40' in assessment.codes(poor)[1].text
  fixed = evidence._replace(results=seen | {'prior': [0.5, 0.5]})
  assert 'prior' not in [one.rule for one in assessment.codes(fixed)]
  unlabelled = evidence._replace(labels=_codes(), results={'nmi': None})
  assert [one.rule for one in assessment.codes(unlabelled)] == ['codes', 'next']


def _codes():
  return {'codes': LabelSet(names=('code_0', 'code_1'))}
