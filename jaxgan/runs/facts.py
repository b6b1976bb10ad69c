"""Facts: what is read before anything runs: images, folders of jobs, classifiers, devices."""

from collections.abc import Callable, Mapping
import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from data_prep.build import Arrays
from jaxgan.config import identity
from jaxgan.data import loading, sources, training_data
from jaxgan.errors import UserError
from jaxgan.runs import families, recogniser
from jaxgan.system import distributed, files, parallel
from jaxgan.training import classifiers as classifiers_lib
from jaxgan.training import pretrained

OWN = ''  # The experiment's own images among those of its classifiers.
ROLES = ('classifier', 'annotator', recogniser.ROLE)  # in the order of their training


class Images(NamedTuple):
  """The images of a `data` section or, while they are not prepared, what the data set declares.

  Attributes:
    training: the TrainingData; it has no images while they are not prepared.
    test: Arrays of the test split, likewise.
    missing: the folder where they will be prepared; None for prepared images.
  """

  training: training_data.TrainingData
  test: Any
  missing: pathlib.Path | None = None


class Folder(NamedTuple):
  """What the folder of a job holds: the key of its images and its newest checkpoint."""

  images: str | None
  step: int | None


class Facts(NamedTuple):
  """What is read before anything runs.

  Attributes:
    workdir: the work directory.
    methods: the methods of the experiment that were asked for.
    mesh: the mesh of the devices.
    roles: the names of the sections of the classifiers that the methods need.
    images: the experiment's own images as `OWN`, and by role the images of trained classifiers.
    known: by role what is known of a classifier before it is trained or restored.
    folders: the folders of jobs, by their paths in the work directory, such as 'acgan/cas'.
    unreadable: one line for each thing that cannot be read.
  """

  workdir: pathlib.Path
  methods: tuple[str, ...]
  mesh: jax.sharding.Mesh
  roles: tuple[str, ...]
  images: Mapping[str, Images]
  known: Mapping[str, classifiers_lib.Classifier]
  folders: Mapping[str, Folder]
  unreadable: tuple[str, ...]

  @property
  def data(self) -> training_data.TrainingData:
    """The experiment's own images."""
    return self.images[OWN].training

  @property
  def are_prepared(self) -> bool:
    """Whether all images are there."""
    return all(images.missing is None for images in self.images.values())


def read_facts(config, workdir: pathlib.Path, methods, prepare: bool) -> Facts:
  """Reads the facts of an experiment.

  Args:
    config: its configuration.
    workdir: its work directory.
    methods: which of its methods.
    prepare: prepare missing images; otherwise only what their data sets declare is known.

  Returns:
    The Facts. What cannot be read is left out, with a line in `unreadable`.
  """
  workdir, family = pathlib.Path(workdir), families.family_of(methods)
  unreadable = []

  def attempt(read: Callable, *arguments) -> dict:
    """{name: what is read}, empty where that fails."""
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
    section = getattr(config, role)
    if is_trained(config, role):
      images |= attempt(read_images, role, section.data, 1, prepare)
    if role == recogniser.ROLE:
      known |= attempt(recogniser.expected, role, config, data) if data else {}
    elif not is_trained(config, role):
      known |= attempt(
        classifiers_lib.known_classifier, role, files.expanded(section.folder), section
      )
    elif role in images:
      known[role] = classifiers_lib.untrained(section, images[role].test)
  folders = {}
  deep = ('*', '*/*', '*/*/*')  # A method's, its score's, the score's of a replica.
  for path in (p for at in deep for p in sorted(workdir.glob(f'{at}/config.json'))):
    folders |= attempt(_read_folder, path.parent.relative_to(workdir).as_posix(), path.parent)
  mesh = parallel.device_mesh(config.replicas)
  methods, unreadable = tuple(methods), tuple(dict.fromkeys(unreadable))
  return Facts(workdir, methods, mesh, roles, images, known, folders, unreadable)


def is_trained(config, role: str) -> bool:
  """Whether a classifier is trained by the experiment, and not given as a folder."""
  return not getattr(getattr(config, role), 'folder', '')


def classifier_folder(config, role: str, workdir: pathlib.Path) -> pathlib.Path:
  """The folder of a classifier: the one that is given, or its own in the work directory.

  Where annotator and classifier have the same section they are one network, in the classifier's. A
  recogniser is the method of its own experiment.
  """
  section = getattr(config, role)
  if not is_trained(config, role):
    return files.expanded(section.folder)
  if role == recogniser.ROLE:
    return workdir / role / section.methods[0]
  return workdir / ('classifier' if section == config.classifier else role)


def read_images(section, num_replicas: int, prepare: bool) -> Images:
  """The images of a `data` section; see `read_facts`."""
  declared = None if prepare else sources.declared(section, num_replicas)
  if prepare or distributed.gather(declared.is_prepared).all():
    return Images(loading.load_training(section, num_replicas), loading.load(section, 'test'))
  none = np.empty((0, *declared.image_shape), np.uint8)
  metadata = {'labelled': declared.labelled, 'full_name': section.dataset}
  pool = Arrays(none, np.empty(0, np.int32), declared.class_names, metadata, '')
  return Images(training_data.whole(pool, num_replicas), pool, declared.folder)


def _read_folder(folder: pathlib.Path) -> Folder:
  steps = [int(path.name) for path in folder.glob('checkpoints/*') if path.name.isdigit()]
  return Folder(identity.content(folder).get('images'), max(steps, default=None))
