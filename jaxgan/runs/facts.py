"""Facts that are read before anything runs: images, folders of jobs, classifiers, devices."""

from collections.abc import Callable, Mapping, Sequence
import pathlib
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import numpy as np

from data_prep.build import Arrays
from jaxgan.config import identity
from jaxgan.data import loading, sources, training_data
from jaxgan.data.config import DataConfig
from jaxgan.errors import UserError
from jaxgan.evaluation import yardsticks
from jaxgan.runs import families, generator_folder, recogniser
from jaxgan.runs.experiment import Experiment
from jaxgan.system import distributed, files, parallel
from jaxgan.training import classifiers as classifiers_lib
from jaxgan.training import pretrained
from jaxgan.training.config import is_same_training

OWN = ''  # The key of the experiment's own images in `Facts.images`; the other keys are roles.
ROLES = ('classifier', 'annotator', recogniser.ROLE)  # in the order of training
_SHARING = ROLES[:2]  # roles that one network may have


class Images(NamedTuple):
  """The images of a `data` section; before preparation, only what the data set declares.

  Attributes:
    training: the TrainingData, without images before preparation.
    test: the Arrays of the test split, without images before preparation.
    missing: the folder where the images will be prepared; None for prepared images.
  """

  training: training_data.TrainingData
  test: Any
  missing: pathlib.Path | None = None


class Folder(NamedTuple):
  """The contents of a job's folder.

  Attributes:
    images: the key of its images.
    step: the step of its newest checkpoint.
    fields: its config.json.
  """

  images: str | None
  step: int | None
  fields: Mapping[str, Any] = MappingProxyType({})


class Facts(NamedTuple):
  """The facts of an experiment, read before anything runs.

  Attributes:
    workdir: the work directory.
    methods: the selected methods of the experiment.
    mesh: the mesh of the devices.
    roles: the sections of the classifiers that the methods need.
    images: {`OWN`: the experiment's own images, role: the images that a classifier is trained on}.
    known: {role: the properties of a classifier before it is trained or restored}.
    folders: {path in the work directory, such as 'acgan/cas': the folder of a job}.
    measured: the folders with the scores of real images, see `jaxgan.evaluation.yardsticks`.
    unreadable: one line per unreadable file or folder.
  """

  workdir: pathlib.Path
  methods: tuple[str, ...]
  mesh: jax.sharding.Mesh
  roles: tuple[str, ...]
  images: Mapping[str, Images]
  known: Mapping[str, classifiers_lib.Classifier]
  folders: Mapping[str, Folder]
  measured: frozenset[pathlib.Path]
  unreadable: tuple[str, ...]

  @property
  def data(self) -> training_data.TrainingData:
    """The experiment's own images."""
    return self.images[OWN].training

  @property
  def are_prepared(self) -> bool:
    """Whether all images are prepared."""
    return all(images.missing is None for images in self.images.values())


def read_facts(
  config: Experiment, workdir: pathlib.Path, methods: Sequence[str], prepare: bool
) -> Facts:
  """Reads the facts of an experiment.

  Args:
    config: the experiment.
    workdir: its work directory.
    methods: the selected methods of the experiment.
    prepare: prepare missing images; otherwise read only what their data sets declare.

  Returns:
    The Facts, without the unreadable ones: each has a line in `unreadable`.
  """
  workdir, family = pathlib.Path(workdir), families.family_of(methods)
  unreadable: list[str] = []

  def attempt(read: Callable, *arguments) -> dict:
    """Returns {name: value}, or {} if reading fails."""
    name, *arguments = arguments
    try:
      return {name: read(*arguments)}
    except UserError as error:
      unreadable.append(str(error))
      return {}

  attempt(pretrained.check, OWN, config, family.roles(config, methods, True), workdir)
  images = attempt(read_images, OWN, config.data, config.replicas, prepare)
  data = images[OWN].training if images else None
  roles = family.roles(config, methods, data is None or data.labelled)
  known = {}
  for role in roles:
    section, trainer = getattr(config, role), trained_by(config, role, workdir)
    if trainer:
      own = getattr(config, trainer)
      images |= attempt(read_images, role, own.data, 1, prepare, getattr(own, 'half', None))
    if role == recogniser.ROLE:
      known |= attempt(recogniser.expected, role, config, data) if data else {}
    elif not trainer:
      known |= attempt(
        classifiers_lib.known_classifier, role, files.expanded(section.folder), section
      )
    elif role in images:
      known[role] = classifiers_lib.untrained(getattr(config, trainer), images[role].test)
  folders = {}
  deep = ('*', '*/*', '*/*/*')  # METHOD, METHOD/cas, METHOD/replica_00/cas
  for path in (p for at in deep for p in sorted(workdir.glob(f'{at}/config.json'))):
    if generator_folder.is_saved(path.parent):
      continue
    folders |= attempt(_read_folder, path.parent.relative_to(workdir).as_posix(), path.parent)
  mesh = parallel.device_mesh(config.replicas)
  lines = tuple(dict.fromkeys(unreadable))
  found = workdir.glob(f'{yardsticks.FOLDER}/**/{yardsticks.NAME}')
  measured = frozenset(path.parent for path in found)
  return Facts(workdir, tuple(methods), mesh, roles, images, known, folders, measured, lines)


def trained_by(config: Experiment, role: str, workdir: pathlib.Path) -> str | None:
  """Returns the role whose section trains the network of a role; None if the network is given.

  A network with two roles is trained once. Classifier and annotator are one network if their
  sections train the same network, or if the `folder` of one is the folder of the other in the work
  directory.

  Args:
    config: the experiment.
    role: 'classifier', 'annotator', 'cas' or 'recogniser'.
    workdir: the work directory of the experiment.
  """
  section = getattr(config, role)
  folder = getattr(section, 'folder', '')
  if role not in _SHARING:
    return None if folder else role
  (other,) = (name for name in _SHARING if name != role)
  others = getattr(config, other)
  others = None if others is None or others.folder else others
  if folder:
    in_workdir = files.expanded(folder).resolve() == (workdir / other).resolve()
    return other if others and in_workdir else None
  shared = others and section and is_same_training(others, section)
  return _SHARING[0] if shared else role


def classifier_folder(config: Experiment, role: str, workdir: pathlib.Path) -> pathlib.Path:
  """Returns the folder of a classifier: the given folder, or one in the work directory.

  The folder of a recogniser is the folder of its experiment's method.
  """
  section, trainer = getattr(config, role), trained_by(config, role, workdir)
  if trainer is None:
    return files.expanded(section.folder)
  return workdir / (f'{role}/{section.methods[0]}' if role == recogniser.ROLE else trainer)


def read_images(
  section: DataConfig, num_replicas: int, prepare: bool, half: str | None = None
) -> Images:
  """Reads the images of a `data` section, or a half of them; see `read_facts`."""
  declared = None if prepare else sources.declared(section, num_replicas)
  if declared is None or distributed.gather(declared.is_prepared).all():
    data = training_data.halved(loading.load_training(section, num_replicas), half)
    return Images(data, loading.load(section, 'test'))
  none = np.empty((0, *declared.image_shape), np.uint8)
  metadata = {'labelled': declared.labelled, 'full_name': section.dataset}
  pool = Arrays(none, np.empty(0, np.int32), declared.class_names, metadata, '')
  return Images(training_data.whole(pool, num_replicas), pool, declared.folder)


def _read_folder(folder: pathlib.Path) -> Folder:
  steps = [int(path.name) for path in folder.glob('checkpoints/*') if path.name.isdigit()]
  fields = identity.content(folder)
  return Folder(fields.get('images'), max(steps, default=None), fields)
