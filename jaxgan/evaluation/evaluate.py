"""The evaluation of all methods: observe a state, measure, record, draw."""

from collections.abc import Callable, Mapping, Sequence
import pathlib
from typing import Any

import jax
import numpy as np

from jaxgan.evaluation import metric as metrics_lib
from jaxgan.evaluation import record as record_lib
from jaxgan.evaluation.cas import Score
from jaxgan.training.logging import finite

_RESAMPLED = 'KL and Fréchet distances are means over them, all else is of the first'


class Evaluation:
  """Measures, records and draws the states of a method; never changes them.

  Attributes:
    observer: draws images from states, for example a `generated.Observer`.
  """

  def __init__(
    self,
    inputs: Any,
    method: str,
    observer: Any,
    metrics: Mapping[str, metrics_lib.Metric],
    pictures: Any,
    differing: Sequence[str] = (),
  ):
    """Stores the arguments; compiles nothing.

    Args:
      inputs: the `jaxgan.runs.inputs.Inputs` of the experiment.
      method: the method.
      observer: an object whose `observe(state, replica, rng, num_images, needs, score)` returns the
        argument of the metrics; it also has `settled`, `num_images`, `score`, `record_fields`,
        `save` and `sampler`.
      metrics: a table of `jaxgan.evaluation.metric`.
      pictures: a module with `observe(observer, state, replica, rng)` and
        `periodic(folder, step, seen)`, which draws the result of `observe` during training, and
        `final(observer, folder, state, record, kept, rng)`, which draws a final evaluation; `kept`
        is the result of the observer's `save`.
      differing: differences from the authors' code, one line per difference.
    """
    self.observer = observer
    self._inputs, self._method, self._metrics = inputs, method, metrics
    self._pictures, self._differing = pictures, list(differing)

  def periodic(self, state: Any, replica: int) -> tuple[dict[str, Any], float | None]:
    """Measures the periodic metrics of a state.

    Args:
      state: the state of the replica.
      replica: the number of the replica.

    Returns:
      ({name in the log: value}, the score that ranks checkpoints or None).
    """
    observer, rng = self.observer, self._inputs.evaluation_rng(replica)
    num = observer.num_images(periodic=True)
    results, _ = self._results(observer.settled(state), replica, rng, num, periodic=True)
    values = {f'evaluation/{n}': value for n, value in results.items() if value is not None}
    return values, observer.score(results)

  def observe(self, state: Any, replica: int) -> Any:
    """Returns the argument of `picture`, on the host; every process must call it."""
    rng = self._inputs.evaluation_rng(replica)
    return self._pictures.observe(self.observer, self.observer.settled(state), replica, rng)

  def picture(self, folder: pathlib.Path, step: int, seen: Any) -> None:
    """Draws the result of `observe` during training."""
    self._pictures.periodic(folder, step, seen)

  def measure(self, step: int, state: Any, replica: int) -> record_lib.EvaluationRecord:
    """Measures a checkpoint in full, without a classification accuracy score."""
    return self._measured(step, self.observer.settled(state), replica, None)[0]

  @property
  def scores(self) -> list[str]:
    """The names of the results that only some evaluations measure."""
    return [metric.name for metric in self._metrics.values() if 'score' in metric.needs]

  def write(
    self,
    folder: pathlib.Path,
    step: int,
    state: Any,
    replica: int,
    score: Score | None = None,
  ) -> record_lib.EvaluationRecord:
    """Evaluates a checkpoint in full; writes the record and draws it.

    Args:
      folder: the folder of the replica.
      step: the step of the checkpoint.
      state: the state of the replica.
      replica: the number of the replica.
      score: the classification accuracy score of its images, if any.

    Returns:
      The record.
    """
    state, key = self.observer.settled(state), self._inputs.evaluation_rng(replica)
    record, seen = self._measured(step, state, replica, score)
    kept = self.observer.save(folder, state, seen, replica)
    record = record_lib.write(folder, record, self.scores)
    self._pictures.final(self.observer, folder, state, record, kept, key)
    return record

  def _measured(self, step, state, replica, score):
    """Returns (the record of a settled state, the observation)."""
    observer, config, key = self.observer, self._inputs.config, self._inputs.evaluation_rng(replica)
    resamplings = getattr(config.evaluation, 'resamplings', 1)
    rng, *others = (jax.random.fold_in(key, 1 + sampling) for sampling in range(resamplings))
    num = observer.num_images(periodic=False)
    results, seen = self._results(state, replica, rng, num, periodic=False, score=score)
    fields = observer.record_fields(seen, replica, step)
    if others:
      samplings = (self._results(state, replica, other, num, periodic=True)[0] for other in others)
      results |= self._resampled([results, *samplings])
      fields['settings'] |= {'resamplings': resamplings, 'resampled': _RESAMPLED}
    if self._differing and fields['published']:
      fields['settings']['differences'] = self._differing
    fields['run'] |= {'seed': config.seed + replica, **record_lib.machine()}
    if unreadable := self._inputs.data.arrays.metadata.get('unreadable'):
      fields['run']['unreadable_images'] = len(unreadable)  # Left out of the data.
    finite_results: dict[str, Any] = {name: finite(value) for name, value in results.items()}
    return record_lib.EvaluationRecord(
      experiment=config.experiment,
      method=self._method,
      step=step,
      results=finite_results,
      **fields,
    ), seen

  def _results(self, state, replica, rng, num_images, periodic, score=None):
    """Draws images from a settled state; returns (results, the observation)."""
    needs = metrics_lib.needs(self._metrics, periodic)
    seen = self.observer.observe(state, replica, rng, num_images, needs, score)
    return metrics_lib.measure(self._metrics, seen, periodic), seen

  def _resampled(self, samplings):
    """Averages the periodic numbers of several samplings of one state.

    Returns:
      {name: mean, '<name>_resamplings': values} for each number that the first sampling has.
    """
    names = [m.name for m in self._metrics.values() if m.periodic and not m.axes]
    values = {n: [own[n] for own in samplings] for n in names if samplings[0][n] is not None}
    means = {name: float(np.mean(each)) for name, each in values.items()}
    return means | {f'{name}_resamplings': each for name, each in values.items()}

  def sampler(
    self, state: Any, balanced: bool, chosen: Sequence[int] | None = None
  ) -> tuple[Callable, tuple[str, ...], str]:
    """Returns a function that draws labelled images from a state.

    Args:
      state: the state.
      balanced: whether the caller keeps equal numbers of every label; codes are then drawn evenly.
      chosen: positions of the labels that the caller keeps. Generators with labels or codes draw
        these alone; the labels of other generators are known after drawing.

    Returns:
      (`sample(rng, num_images) -> (images, labels)`, the names of the labels, their origin).
    """
    return self.observer.sampler(self.observer.settled(state), balanced, chosen)

  def confidence(self, state: Any) -> Callable | None:
    """Returns `confidence(images, labels) -> float [N]`, a classifier's probability of the labels.

    The labels are as from `sampler`; None if no classifier knows them.
    """
    return self.observer.confidence(state)
