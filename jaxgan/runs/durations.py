"""How long jobs take on this machine: kept for later runs, and forecasts of the rest of a plan.

Durations lie beside the compiled programs, in the folder `durations` of the compilation cache: a
small JSON file for each kind of work. Its name is a hash of all that the cost of a step depends on:
networks, batch size, image shape, devices and the version of JAX. Without a compilation cache
nothing is kept.
"""

from collections.abc import Iterator, Sequence
import contextlib
import copy
import hashlib
import json
import math
import os
import pathlib
import time
from typing import Any

import jax

from jaxgan.evaluation import cas
from jaxgan.runs import recogniser
from jaxgan.runs.facts import Facts
from jaxgan.system import compilation, files
from jaxgan.system.messages import in_words
from jaxgan.training.progress import Forecast, Times

FOLDER = 'durations'
TRAIN, PAUSE = 'train', 'pause'  # Kinds of work; evaluations and others are in `plan.Kind`.
# Fields of an algorithm that say when something happens.
_SCHEDULES = ('_start', '_cycle', '_epoch', '_epochs', '_steps')


class Durations:
  """The durations of an experiment's jobs, from earlier runs and from this one."""

  def __init__(self, config: Any, facts: Facts, jobs: Sequence[Any] = ()):
    """Reads nothing yet.

    Args:
      config: the experiment.
      facts: its facts.
      jobs: the jobs of its `plan.Plan`.
    """
    self._config, self._facts = config, facts
    self._left = {(str(job.kind), job.name): job for job in jobs if not job.is_done}
    self._known: dict[str, dict] = {}  # By key, as read or measured.
    self._inside = 0.0  # Seconds of the work that the current work contains.
    self._within = ''

  def within(self, folder: str) -> 'Durations':
    """Returns the same durations for an experiment in a folder, whose jobs have shorter names."""
    inner = copy.copy(self)
    inner._within = f'{self._within}{folder}/'
    return inner

  def seconds(self, job: Any) -> float | None:
    """Returns about how long a job of the plan takes from its newest checkpoint, or None."""
    if job.kind != TRAIN:
      return self._read(job.kind, job.name).get('seconds')
    if job.steps is None or 'step' not in (known := self._read(TRAIN, job.name)):
      return None
    step, pauses = job.step or 0, 0.0
    if pause := self._read(PAUSE, job.name).get('seconds'):
      pauses = pause * self._evaluations(job, step)
    each = self._times(job)
    return each * (known.get('compilation', 0.0) + (job.steps - step) * known['step'] + pauses)

  def _times(self, job) -> int:
    """How often a job is repeated: a score's classifier is trained for each replica."""
    return self._config.replicas if job.name.split('/')[-1] == cas.FOLDER else 1

  def _evaluations(self, job, step) -> int:
    train = self._section(job.name).train
    every = train.evaluate_every or max(1, job.steps // (train.epochs or 1))
    return -(-job.steps // every) - step // every

  def rest(self, name: str) -> str:
    """Returns how long the jobs of the plan take after a training job; '' for the last one."""
    jobs = [job for key, job in self._left.items() if key != (TRAIN, name)]
    return total([(f'{job.kind} {job.name}', self.seconds(job)) for job in jobs], 'the rest')

  def forecast(self, name: str) -> Forecast:
    """Returns the Forecast of a training job of the plan."""
    return _Forecast(self, f'{self._within}{name}')

  @contextlib.contextmanager
  def measured(self, kind: str, name: str) -> Iterator[None]:
    """Measures a job of the plan, without the jobs that the `with` block measures in it."""
    name = f'{self._within}{name}'
    outside, self._inside, began = self._inside, 0.0, time.monotonic()
    yield
    took = time.monotonic() - began
    if kind != TRAIN:
      self.keep(kind, name, seconds=took - self._inside)
    self._inside = outside + took
    self._left.pop((str(kind), name), None)

  def keep(self, kind: str, name: str, **seconds: float) -> None:
    """Keeps durations of a kind of work; nothing depends on it, so errors of disks are ignored."""
    key = self._key(kind, name)
    self._known[key] = self._read(kind, name) | seconds
    if (folder := _folder()) is None or not files.is_writer():
      return
    # Other runs may write the same file at the same time: each has its own temporary file.
    temporary = folder / f'{key}.{os.getpid()}.tmp'
    with contextlib.suppress(OSError):
      folder.mkdir(exist_ok=True)
      temporary.write_text(json.dumps({'work': f'{kind} {name}', **self._known[key]}))
      os.replace(temporary, folder / f'{key}.json')

  def _read(self, kind, name) -> dict[str, float]:
    """Returns the kept durations by name; {} if there are none or their file is damaged."""
    key = self._key(kind, name)
    if key not in self._known and (folder := _folder()) is not None:
      with contextlib.suppress(OSError, ValueError):
        content = json.loads((folder / f'{key}.json').read_text(encoding='utf-8'))
        if isinstance(content, dict):
          self._known[key] = {n: float(v) for n, v in content.items() if _is_duration(v)}
    return self._known.get(key, {})

  def _section(self, name):
    """The configuration of a job: an experiment, or the section of a classifier."""
    *within, last = name.split('/')
    config = self._config
    if within[:1] == [recogniser.ROLE]:
      return getattr(config, recogniser.ROLE)
    is_classifier = last == cas.FOLDER or (not within and last in ('classifier', 'annotator'))
    return getattr(config, last) if is_classifier else config

  def _key(self, kind: str, name: str) -> str:
    """Returns a hash of all that the cost of the work depends on."""
    section, last = self._section(name), name.split('/')[-1]
    is_classifier = not hasattr(section, 'methods')
    images = self._facts.images.get(last if is_classifier else '', self._facts.images[''])
    devices, own = self._facts.mesh.devices, images.training
    evaluation = getattr(section, 'evaluation', None)
    cost = {
      'work': str(kind),
      'method': '' if is_classifier else last,
      'algorithm': _costly(section.algorithm.model_dump(mode='json')),
      'others': [
        _costly(other.algorithm.model_dump(mode='json'))
        for role in ('classifier', recogniser.ROLE)
        if (other := getattr(section, role, None))
      ],
      'batch': section.train.batch_size,
      'augmentation': [section.data.flip, section.data.crop_padding],
      'images': [*own.image_shape, own.num_classes, own.streamed],
      'replicas': 1 if is_classifier else section.replicas,
      'devices': [devices.flat[0].platform, devices.flat[0].device_kind, devices.size],
      'machine': [os.cpu_count(), jax.__version__],
      'evaluation': evaluation.model_dump(mode='json') if evaluation and kind != TRAIN else None,
    }
    return hashlib.sha256(json.dumps(cost, sort_keys=True).encode()).hexdigest()[:16]


class _Forecast(Forecast):
  """The forecast of a training job."""

  def __init__(self, durations: Durations, name: str):
    self._durations, self._name = durations, name

  def of_compilation(self):
    known = self._durations._read(TRAIN, self._name).get('compilation')
    if known is None:
      return ''
    where = ', is in the compilation cache now' if _folder() else ''
    return f' (took {in_words(known)}{where})'

  def of_rest(self, times, remaining, pauses):
    self.remember(times)
    pause = self._durations._read(PAUSE, self._name).get('seconds')
    about = f'about {in_words(remaining * times.step + pauses * (pause or 0.0))}'
    evaluations = 'an evaluation' if pauses == 1 else f'{pauses} evaluations'
    without = f' and {evaluations}' if pauses and pause is None else ''
    rest = self._durations.rest(self._name)
    return f'{in_words(times.step)} a step, {about}{without}' + (f'; {rest}' if rest else '')

  def remember(self, times: Times):
    compilation_ = {} if times.is_cached else {'compilation': times.compilation}
    self._durations.keep(TRAIN, self._name, step=times.step, **compilation_)
    if times.pause is not None:
      self._durations.keep(PAUSE, self._name, seconds=times.pause)


def total(jobs: Sequence[tuple[str, float | None]], of: str) -> str:
  """Adds durations: 'about 11 min for the rest', and names the unknown ones; '' without jobs.

  Args:
    jobs: (name, seconds or None) of each job.
    of: what the sum is of.
  """
  known = [seconds for _, seconds in jobs if seconds is not None]
  unknown = [name for name, seconds in jobs if seconds is None]
  if not jobs:
    return ''
  if not unknown:
    return f'about {in_words(sum(known))} for {of}'
  names = ', '.join(unknown)
  if not known:
    return f'unknown for {of}: these jobs have not run on this machine'
  return f'more than {in_words(sum(known))} for {of}; unknown: {names}'


def _folder() -> pathlib.Path | None:
  """The folder of durations; None without a compilation cache, or for one in a cloud."""
  cache = compilation.folder_in_use()
  return None if cache is None or '://' in cache else pathlib.Path(cache) / FOLDER


def _is_duration(value) -> bool:
  is_number = isinstance(value, int | float) and not isinstance(value, bool)
  return is_number and math.isfinite(value) and value >= 0


def _costly(value: Any) -> Any:
  """Keeps what the cost of a step depends on: no schedules, and of floats whether they are 0."""
  if isinstance(value, dict):
    return {n: _costly(v) for n, v in value.items() if not n.endswith(_SCHEDULES)}
  if isinstance(value, list):
    return [_costly(item) for item in value]
  return bool(value) if isinstance(value, float) else value
