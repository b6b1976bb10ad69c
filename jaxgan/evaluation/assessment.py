"""Assessments: did a run work? Sentences from its numbers beside the numbers of real images.

An assessment is of one method; `jaxgan.evaluation.verdicts` compares methods. A rule is a pure
function that turns an `Evidence` into a `Finding`, UNKNOWN without the numbers that the rule needs.
docs/did_it_work.md has the rules, thresholds and sentences.
"""

from collections.abc import Mapping, Sequence
import enum
from typing import Any, NamedTuple

import numpy as np

from jaxgan.evaluation.record import LabelSet
from jaxgan.metrics import class_distribution
from jaxgan.system.names import some

# KL from uniform of class sizes that vary by about a third: the KL is half the squared variation.
BALANCED = 0.05
UNBALANCED = 0.5  # Of the KL of the training images: less than half of the way to balance.
MISSING = 0.2  # Of an equal share: a class that a person would call missing.
# Excess of the Fréchet distance over the distance of real images, in variances of real features.
# Images that are all alike have a distance of one variance or more.
NEAR, FAR = 0.1, 0.4
LEARNABLE = 0.5  # Of the accuracy above chance that a classifier gets from real training images.
COLLAPSED = 0.25  # Of the feature variance of the real images of a class: half of their spread.
VARIED = 0.5  # Of the recall of real images.
COPIES = 0.8  # 0.5 is no copying; five held-out images vary by 0.13 around it.
HELD_OUT = 5  # Images of a class, for `COPIES`.
SAMPLES = 10  # Generated images of a class, for its variance.
JUDGED = 0.6  # Accuracy of the annotator on a class.
TESTED = 10  # Test images of a class; the accuracy of fewer is known to 0.3 at best.
# Relative change of the Fréchet distance over the last quarter of a run. Periodic evaluations of a
# finished run vary by some per cent.
MOVING = 0.1
EVALUATIONS = 4  # During training: fewer do not tell that a run has come to rest.
MATCHED, UNMATCHED = 0.7, 0.4  # NMI of codes and classes.
LEARNED = 0.8  # Of the distance of a uniform prior: closer by a fifth is more than noise.
NAMED = 3  # Classes named in a sentence.

_DISTANCES = {
  'fid': 'inception',
  'frechet_annotator': 'annotator',
  'frechet_recogniser': 'recogniser',
}


class Level(enum.StrEnum):
  """What a finding means for the run."""

  GOOD = 'good'
  FAIR = 'fair'
  BAD = 'bad'
  UNKNOWN = 'unknown'


class Finding(NamedTuple):
  """The result of a rule.

  Attributes:
    rule: the name of the rule.
    level: see `Level`.
    text: a sentence, or '' for a finding that needs none.
  """

  rule: str
  level: Level
  text: str


class Evidence(NamedTuple):
  """The numbers of a method.

  Attributes:
    results: {name: value} of its evaluation; of several seeds the means.
    settings: the settings of its evaluation.
    labels: {'classes' or 'codes': LabelSet}.
    training: the same results of the real training images; {} if they were not measured.
    test: the same results of the real reference images; {} if they were not measured.
    log: the rows of its metrics.jsonl.
    longer: the flag that doubles its length, such as '--config.train.steps=4000'.
    evaluate: the command that evaluates it again.
    export: the command that exports its images.
    pictures: the picture to look at.
  """

  results: Mapping[str, Any]
  settings: Mapping[str, Any]
  labels: Mapping[str, LabelSet]
  training: Mapping[str, Any] = {}
  test: Mapping[str, Any] = {}
  log: Sequence[Mapping[str, Any]] = ()
  longer: str = ''
  evaluate: str = ''
  export: str = ''
  pictures: str = ''

  @property
  def distance(self) -> str | None:
    """The name of the Fréchet distance that counts, or None without any."""
    return next((name for name in _DISTANCES if self.results.get(name) is not None), None)

  def of_network(self, name: str) -> Any:
    """Returns a result in the features of the distance's network, or None."""
    return self.results.get(f'{name}/{_DISTANCES[self.distance]}') if self.distance else None


def images(evidence: Evidence) -> list[Finding]:
  """Assesses a GAN: balance, quality, variety, copying, the annotator, progress, the next step."""
  balanced = balance(evidence)
  near = quality(evidence, balanced.level == Level.BAD)
  found = [balanced, near, variety(evidence), copying(evidence), judged(evidence)]
  found.append(progress(evidence, evidence.distance))
  return [one for one in [*found, _next_of_images(evidence, found)] if one.text]


def balance(evidence: Evidence) -> Finding:
  """Compares the class sizes of generated images and of training images."""
  rule, results, kind = 'balance', evidence.results, 'classes'
  if results.get('kl_from_uniform') is None:
    kind = 'codes'
  prefix = {'classes': '', 'codes': 'code_'}[kind]
  kl, own = results.get(f'{prefix}kl_from_uniform'), evidence.labels.get(kind)
  if kl is None or own is None:
    return Finding(rule, Level.UNKNOWN, 'Balance was not measured: the images have no labels.')
  theirs = evidence.training.get(f'{prefix}kl_from_uniform')
  if theirs is None and any(own.counts):
    theirs = class_distribution.kl_from_uniform(own.counts)
  counts = np.array(results.get(f'{prefix or "class_"}counts') or [1.0])
  fewest, shares = int(counts.argmin()), counts / counts.sum()
  missing = np.flatnonzero(shares < MISSING / len(shares))
  rarest = f'{own.names[fewest]} has {_percent(shares[fewest])} of the images'
  beside = f'KL {kl:.3f}, real training images {theirs:.3f}' if theirs else f'KL {kl:.3f}'
  if kl <= BALANCED and not len(missing):
    return Finding(rule, Level.GOOD, f'The {kind} are balanced ({beside}).')
  names = some([own.names[k] for k in missing], NAMED)
  if kl <= BALANCED:
    return Finding(
      rule, Level.FAIR, f'The {kind} are balanced ({beside}) but for {names}: {rarest}.'
    )
  if len(missing) > 1:
    rarest += f' (hardly any: {names})'
  if theirs and kl <= UNBALANCED * theirs:
    text = f'The {kind} are more balanced than the training images, not equal ({beside}): {rarest}.'
    return Finding(rule, Level.FAIR, text)
  return Finding(rule, Level.BAD, f'The {kind} are not balanced ({beside}): {rarest}.')


def quality(evidence: Evidence, unbalanced: bool = False) -> Finding:
  """Compares the Fréchet distance and the accuracy score with the values of real images.

  Args:
    evidence: the numbers.
    unbalanced: whether the generated images are as unbalanced as the training images. Their
      distance then contains the distance of the class sizes, and is compared with the distance of
      the training images.
  """
  rule, name = 'quality', evidence.distance
  network = _DISTANCES.get(name or '', '')
  ceiling = evidence.test.get(name or '')
  variance = evidence.test.get(f'feature_variance/{network}')
  if name is None or ceiling is None or not variance:
    text = 'Quality and variety are unknown: the real images were not measured.'
    return Finding(rule, Level.UNKNOWN, text)
  value, words = evidence.results[name], f'where real ones have {_number(ceiling)}'
  imbalanced = evidence.training.get(name) or 0.0
  if unbalanced and imbalanced > ceiling:
    words = f'where real training images have {_number(imbalanced)}, test images {_number(ceiling)}'
    ceiling = imbalanced
  excess, heading = (value - ceiling) / variance, 'FID' if name == 'fid' else 'Fréchet'
  score, learnt = _accuracy_score(evidence)
  learns_little = score is not None and score < LEARNABLE
  if excess > FAR or (excess > NEAR and learns_little):
    text, level = 'The images are far from real ones', Level.BAD
  elif excess > NEAR:
    text, level = 'The images resemble real ones, with visible differences', Level.FAIR
  elif learns_little:
    text, level = 'The images are close to real ones, but a classifier learns little', Level.FAIR
  else:
    text, level = 'The images are close to real ones', Level.GOOD
  return Finding(rule, level, f'{text}: {heading} {_number(value)} {words}{learnt}.')


def _accuracy_score(evidence):
  """(accuracy score above chance, as a share of the score of real images; both in words)."""
  own, real = evidence.results.get('cas'), evidence.training.get('cas')
  if own is None or real is None:
    return None, ''
  chance = 1 / max(2, len(evidence.labels['classes'].names))
  words = f'; a classifier trained on them reaches {_percent(own)}, on real ones {_percent(real)}'
  return (own - chance) / (real - chance) if real > chance else None, words


def variety(evidence: Evidence) -> Finding:
  """Compares the variance within classes and the recall with the values of real images."""
  rule, recall = 'variety', evidence.of_network('recall')
  own, real = map(
    evidence.of_network, ('class_covariance_trace', 'class_covariance_trace_reference')
  )
  counts, alike = evidence.results.get('class_counts'), []
  if own and real and counts:
    names = evidence.labels['classes'].names
    alike = [
      name
      for name, ours, theirs, number in zip(names, own, real, counts, strict=True)
      if None not in (ours, theirs) and number >= SAMPLES and ours < COLLAPSED * theirs
    ]
  if alike:
    text = f'Images are too much alike in {some(alike, NAMED)}: less than half of the real spread.'
    return Finding(rule, Level.BAD, text)
  network = _DISTANCES.get(evidence.distance or '', '')
  ceiling = evidence.test.get(f'recall/{network}')
  if recall is None or ceiling is None:
    return Finding(rule, Level.UNKNOWN, '')
  beside = f'recall {recall:.2f} where real ones have {ceiling:.2f}'
  if recall < VARIED * ceiling:
    return Finding(rule, Level.BAD, f'The images lack variety: {beside}.')
  return Finding(rule, Level.GOOD, '')


def copying(evidence: Evidence) -> Finding:
  """Looks for classes whose generated images are nearer to training images than unseen ones."""
  rule, results = 'copying', evidence.results
  shares, classes = results.get('memorisation/copying'), results.get('memorisation/classes')
  if not shares or not classes:
    return Finding(rule, Level.UNKNOWN, '')
  names = evidence.labels['classes'].names
  held_out = results.get('memorisation/held_out_images') or [0] * len(shares)
  known = [
    (names[k], share)
    for k, share, number in zip(map(int, classes), shares, held_out, strict=True)
    if share is not None and number >= HELD_OUT
  ]
  if not known:
    text = f'Copying is unknown: the rare classes have fewer than {HELD_OUT} test images each.'
    return Finding(rule, Level.UNKNOWN, text)
  if copied := [name for name, share in known if share > COPIES]:
    most = max(share for _, share in known)
    shown = some(copied, NAMED)
    text = f'It copies training images of {shown}: copying up to {most:.2f}, 0.5 is none.'
    return Finding(rule, Level.BAD, text)
  return Finding(rule, Level.GOOD, '')


def judged(evidence: Evidence) -> Finding:
  """Names the classes whose numbers cannot be trusted: a weak annotator or few test images."""
  rule, accuracy = 'annotator', evidence.test.get('class_accuracy')
  tested = evidence.test.get('class_images')
  if not accuracy or not tested:
    return Finding(rule, Level.UNKNOWN, '')
  names = evidence.labels['classes'].names
  own = list(zip(names, accuracy, tested, strict=True))
  few = [f'{name} ({number:.0f})' for name, _, number in own if number < TESTED]
  weak = [
    f'{name} ({_percent(share)} right)'
    for name, share, number in own
    if number >= TESTED and share is not None and share < JUDGED
  ]
  parts = [
    *([f'the annotator often errs on {some(weak, NAMED)}'] if weak else []),
    *([f'there are few test images of {some(few, NAMED)}'] if few else []),
  ]
  if not parts:
    return Finding(rule, Level.GOOD, '')
  return Finding(rule, Level.FAIR, f'Some classes cannot be judged: {"; ".join(parts)}.')


def progress(evidence: Evidence, name: str | None, better: int = -1) -> Finding:
  """Fits a line to a periodic value over the last quarter of the run.

  Args:
    evidence: the numbers.
    name: the value, without 'evaluation/'.
    better: -1 if lower values are better, 1 if higher values are.
  """
  rule, key = 'progress', f'evaluation/{name}'
  points = [(row['step'], row[key]) for row in evidence.log if row.get(key) is not None]
  last = points[-1][0] if points else 0
  start = max((step for step, _ in points if step <= 0.75 * last), default=None)
  unknown = 'Whether it still improves is unknown: too few evaluations during training.'
  if start is None:
    return Finding(rule, Level.UNKNOWN, unknown)
  steps, values = np.array([point for point in points if point[0] >= start]).T
  slope, level = np.polyfit(steps, values, 1)
  first, end = slope * start + level, slope * last + level
  change, what = better * (end - first) / max(abs(first), 1e-9), heading(name or '')
  words = f'{what} from {_number(first)} to {_number(end)} over the last quarter of the run'
  if change > MOVING:
    return Finding(rule, Level.FAIR, f'It is still improving: {words}.')
  if change < -MOVING:
    return Finding(rule, Level.BAD, f'It is getting worse: {words}.')
  if len(points) < EVALUATIONS:
    return Finding(rule, Level.UNKNOWN, unknown)
  return Finding(rule, Level.GOOD, f'It hardly changes any more: {words}.')


def _next_of_images(evidence, findings) -> Finding:
  """The next step, by the first problem that it can solve."""
  of = {one.rule: one.level for one in findings}
  far, improving = of['quality'] == Level.BAD, of['progress'] == Level.FAIR
  longer = f'train longer: the same command with {evidence.longer}.'
  steps = (
    (far and of['progress'] in (Level.FAIR, Level.UNKNOWN), longer),
    (
      far and of['progress'] == Level.BAD,
      f'train longer with {evidence.longer}, or with a lower learning rate if the pictures broke.',
    ),
    (
      of['copying'] == Level.BAD,
      'collect more images, or train for fewer steps in another --workdir.',
    ),
    (
      of['progress'] == Level.BAD,
      'evaluate the best checkpoint: jaxgan evaluate with --checkpoint=best.',
    ),
    (
      far and of['variety'] != Level.BAD,
      'more steps alone will not help: take larger networks (the full setting) or more images.',
    ),
    (improving and of['quality'] != Level.GOOD, longer),
    (
      of['variety'] == Level.BAD,
      f'look at {evidence.pictures}: add images, or try an earlier checkpoint.',
    ),
    (
      of['quality'] == Level.UNKNOWN,
      f'measure the real images, to compare with: {evidence.evaluate}.',
    ),
    (of['balance'] == Level.BAD, _towards_balance(evidence)),
    (True, f'look at {evidence.pictures}; then {evidence.export}.'),
  )
  return Finding('next', Level.GOOD, f'Next: {next(text for holds, text in steps if holds)}')


def _towards_balance(evidence) -> str:
  weight = evidence.settings.get('regulariser_weight')
  if evidence.settings.get('classifier') and weight:
    return f'raise --config.algorithm.regulariser_weight={2 * weight:g} in another --workdir.'
  return 'this method keeps the class sizes of its training images: use class_balancing.'


def codes(evidence: Evidence) -> list[Finding]:
  """Assesses a method with codes: codes against classes, prior, progress, the next step."""
  results, own = evidence.results, evidence.labels.get('classes')
  text = f'Next: look at {evidence.pictures}; no number here says how real the images look.'
  look = Finding('next', Level.GOOD, text)
  if own is None or results.get('nmi') is None:
    text = 'Without labels no number tells whether the codes are the classes.'
    return [Finding('codes', Level.UNKNOWN, text), look]
  found = [_codes_and_classes(results), _prior(results, own), progress(evidence, 'nmi', better=1)]
  if any(one.level == Level.FAIR and one.rule == 'progress' for one in found):
    text = (
      f'Next: train longer, the same command with {evidence.longer}; look at {evidence.pictures}.'
    )
    look = Finding('next', Level.GOOD, text)
  return [one for one in [*found, look] if one.text]


def _codes_and_classes(results) -> Finding:
  nmi, empty = results['nmi'], results.get('empty_codes_and_classes') or 0
  without = f'; {empty:.0f} codes or classes have no image' if empty else ''
  beside = f'NMI {nmi:.2f}, 1 is one code per class{without}'
  if nmi < UNMATCHED:
    return Finding('codes', Level.BAD, f'The codes have little to do with the classes: {beside}.')
  if nmi < MATCHED or empty:
    return Finding('codes', Level.FAIR, f'The codes follow some of the classes: {beside}.')
  return Finding('codes', Level.GOOD, f'The codes follow the classes: {beside}.')


def _prior(results, own) -> Finding:
  distance, uniform = results.get('prior_distance'), uniform_distance(own.counts)
  prior = results.get('prior') or [0.0]
  if distance is None or uniform is None or max(prior) - min(prior) < 1e-6:  # It is not learned.
    return Finding('prior', Level.UNKNOWN, '')
  beside = f'distance {distance:.2f} from the class frequencies, a uniform prior {uniform:.2f}'
  if distance <= LEARNED * uniform:
    return Finding('prior', Level.GOOD, f'The prior tells frequent from rare classes: {beside}.')
  return Finding('prior', Level.BAD, f'The prior does not tell frequent from rare: {beside}.')


def uniform_distance(counts: Sequence[int]) -> float | None:
  """Returns the total variation distance of class frequencies from the uniform distribution."""
  if not sum(counts):
    return None
  shares = np.array(counts) / sum(counts)
  return float(0.5 * np.abs(shares - 1 / len(shares)).sum())


def heading(name: str) -> str:
  """Returns the name of a periodic value in a sentence."""
  return {'fid': 'FID', 'nmi': 'NMI'}.get(name, 'Fréchet')


def _percent(share: float) -> str:
  return f'{100 * share:.0f} %' if share >= 0.0095 or not share else f'{100 * share:.1f} %'


def _number(value: float) -> str:
  return f'{value:.3g}'
