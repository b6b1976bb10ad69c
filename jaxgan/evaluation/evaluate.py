"""One evaluation for all methods: observe a state, measure, record."""

from collections.abc import Mapping

import jax
import numpy as np

from jaxgan.evaluation import metric as metrics_lib
from jaxgan.evaluation import record as record_lib
from jaxgan.training.logging import finite

_RESAMPLED = 'KL and Fréchet distances are means over them, all else is of the first'


class Evaluation:
  """Measures, records and draws the states of a method, and never changes them.

  Attributes:
    observer: what sees states, such as `generated.Observer`.
  """

  def __init__(self, inputs, method: str, observer, metrics: Mapping, pictures, differing=()):
    """Compiles nothing yet.

    Args:
      inputs: the Inputs of the experiment.
      method: the method.
      observer: `observe(state, replica, rng, num_images, needs, score)` -> what metrics measure;
        also `settled`, `num_images`, `score`, `record_fields`, `save` and `sampler`.
      metrics: a table of `jaxgan.evaluation.metric`.
      pictures: a module: `periodic(folder, step, seen)` draws while training what
        `observe(observer, state, replica, rng)` has seen, `final(observer, folder, state, record,
        kept, rng)` a last evaluation, of which `save` of the observer has `kept` something.
      differing: what differs from the authors' code, a line each.
    """
    self.observer = observer
    self._inputs, self._method, self._metrics = inputs, method, metrics
    self._pictures, self._differing = pictures, list(differing)

  def periodic(self, state, replica: int):
    """What training logs of a state: (values by name, score that ranks checkpoints)."""
    observer, rng = self.observer, self._inputs.evaluation_rng(replica)
    num = observer.num_images(periodic=True)
    results, _ = self._results(observer.settled(state), replica, rng, num, periodic=True)
    values = {f'evaluation/{n}': value for n, value in results.items() if value is not None}
    return values, observer.score(results)

  def observe(self, state, replica: int):
    """What `picture` draws of a state, on the host; with several processes, all of them ask."""
    rng = self._inputs.evaluation_rng(replica)
    return self._pictures.observe(self.observer, self.observer.settled(state), replica, rng)

  def picture(self, folder, step: int, seen) -> None:
    """Draws while training what was seen of a state."""
    self._pictures.periodic(folder, step, seen)

  def measure(self, step: int, state, replica: int) -> record_lib.EvaluationRecord:
    """The record of a checkpoint, without a classification accuracy score."""
    return self._measured(step, self.observer.settled(state), replica, None)[0]

  def write(
    self, folder, step: int, state, replica: int, score=None
  ) -> record_lib.EvaluationRecord:
    """Evaluates a checkpoint; writes and draws its record to the folder of the replica.

    Args:
      folder: of the replica.
      step: of the checkpoint.
      state: of the replica.
      replica: which.
      score: the classification accuracy Score of its images, where it has one.
    """
    state, key = self.observer.settled(state), self._inputs.evaluation_rng(replica)
    record, seen = self._measured(step, state, replica, score)
    kept = self.observer.save(folder, state, seen, replica)
    record_lib.write(folder, record)
    self._pictures.final(self.observer, folder, state, record, kept, key)
    return record

  def _measured(self, step, state, replica, score):
    """(The record of a settled state, what was seen of it)."""
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
    return record_lib.EvaluationRecord(
      experiment=config.experiment,
      method=self._method,
      step=step,
      results={name: finite(value) for name, value in results.items()},
      **fields,
    ), seen

  def _results(self, state, replica, rng, num_images, periodic, score=None):
    """Draws images from a settled state; returns (results, what was seen)."""
    needs = metrics_lib.needs(self._metrics, periodic)
    seen = self.observer.observe(state, replica, rng, num_images, needs, score)
    return metrics_lib.measure(self._metrics, seen, periodic), seen

  def _resampled(self, samplings):
    """Averages the periodic numbers of several samplings of one state.

    Returns:
      For each number that the first sampling has: its values, as '<name>_resamplings', and their
      mean in place of the first.
    """
    names = [m.name for m in self._metrics.values() if m.periodic and not m.axes]
    values = {n: [own[n] for own in samplings] for n in names if samplings[0][n] is not None}
    means = {name: float(np.mean(each)) for name, each in values.items()}
    return means | {f'{name}_resamplings': each for name, each in values.items()}

  def sampler(self, state, balanced: bool):
    """(sample(rng, num_images) -> (images, labels), names of the labels, what gives them)."""
    return self.observer.sampler(self.observer.settled(state), balanced)
