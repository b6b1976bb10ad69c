"""Missing sources: a run continues with the data that was prepared from its source.

The config.json of a job has the key of its images, which begins with the name of the prepared data.
If the source of a `data` section is missing, its field `prepared` becomes this name, and
`data_prep.build` opens the prepared data.
"""

import os
import pathlib
from typing import Any

from data_prep import preparation
from data_prep.prepared_names import OWN_IMAGES, missing
from jaxgan.config import identity
from jaxgan.config import section as section_lib
from jaxgan.config.overrides import changed
from jaxgan.config.section import Section
from jaxgan.data.config import DataConfig
from jaxgan.errors import UserError
from jaxgan.system import files

# Jobs in a work directory: methods and classifiers, and the same of a recogniser.
_JOBS = ('*/config.json', 'recogniser/*/config.json')


def prepared_name(images: str) -> str:
  """Returns the name of the prepared data, NAME/CONFIG, from the key of images."""
  return '/'.join(images.split('/')[:2])


def with_prepared(config: Any, workdir: pathlib.Path) -> Any:
  """Sets `data.prepared` in the sections whose source is missing.

  Args:
    config: of an experiment.
    workdir: its work directory, whose jobs name their prepared data.

  Returns:
    A changed copy, or the configuration itself if no source is missing.
  """
  gone = {
    f'{name}.prepared': section
    for name, section in _data_sections(config)
    if missing(section.source or '', section.options.split) and not section.prepared
  }
  if not gone:
    return config
  known = _remembered(workdir)
  return changed(config, {name: known.get(_identity(own), '') for name, own in gone.items()})


def declared(section: Any, num_replicas: int = 1) -> preparation.Declared:
  """Describes the data set of a `data` section without preparing it.

  Args:
    section: the section.
    num_replicas: number of replicas that share the data set.

  Raises:
    UserError: see `data_prep.preparation.declared`.
  """
  own = preparation.declared(section.dataset, **section.place)
  splits = num_replicas > 1 and preparation.replica_splits(section.dataset, num_replicas)
  if splits:
    own = own._replace(folder=preparation.declared(splits.pool, **section.place).folder)
  return own


def check_apart(config: Any, workdir: pathlib.Path) -> None:
  """Refuses a work directory inside a folder of own images, which would include its pictures.

  Args:
    config: of an experiment.
    workdir: its work directory; it need not exist.

  Raises:
    UserError: `workdir` is in the source of a section.
  """
  inside = pathlib.Path(workdir).resolve()
  for _, section in _data_sections(config):
    is_own = (section.dataset or '').partition('/')[0] == OWN_IMAGES
    source = files.expanded(section.source).resolve() if is_own and section.source else None
    if source in (inside, *inside.parents):
      raise UserError(
        f'the work directory {workdir} lies in config.data.source={section.source!r}, where its '
        'pictures would be read as training images: choose another --workdir'
      )


def _data_sections(config, prefix: str = ''):
  """Yields (name, section) of the `data` sections of an experiment and its classifiers."""
  for name, section in config:
    if isinstance(section, DataConfig):
      yield f'{prefix}{name}', section
    elif isinstance(section, Section):
      yield from _data_sections(section, f'{prefix}{name}.')


def _identity(section) -> tuple:
  source = os.path.normpath(os.path.expanduser(section.source or ''))
  return section.dataset, source, section.options


def _remembered(workdir) -> dict[tuple, str]:
  """Returns {identity of a `data` section: name of its prepared data} in a work directory."""
  known = {}
  for path in (path for jobs in _JOBS for path in sorted(pathlib.Path(workdir).glob(jobs))):
    try:
      content = identity.content(path.parent)
      data = section_lib.checked(DataConfig, content.get('data', {}))
      known[_identity(data)] = prepared_name(content.get('images', ''))
    except UserError:
      continue  # The code that needs this job reports the error.
  return known
