"""Sources that are gone: a run continues with the data that was prepared from them.

The configuration that a job's folder remembers has the key of its images, which begins with the
name of the prepared data. Where a `data` section names a source that is not there, its field
`prepared` becomes this name, and `data_prep.build` opens that data.
"""

import os
import pathlib

from data_prep import preparation
from data_prep.prepared_names import OWN_IMAGES, is_gone
from jaxgan.config import identity
from jaxgan.config import section as section_lib
from jaxgan.config.overrides import changed
from jaxgan.config.section import Section
from jaxgan.data.config import DataConfig
from jaxgan.errors import UserError
from jaxgan.system import files

# Folders of jobs in a work directory: of the methods and classifiers, and of the recogniser's.
_JOBS = ('*/config.json', 'recogniser/*/config.json')


def prepared_name(images: str) -> str:
  """The name of the prepared data, NAME/CONFIG, in the key of some images."""
  return '/'.join(images.split('/')[:2])


def with_prepared(config, workdir: pathlib.Path):
  """A configuration whose sections name the prepared data where their source is gone.

  Args:
    config: of an experiment.
    workdir: its work directory, whose jobs remember their data.

  Returns:
    A copy with `data.prepared` in these sections, or the configuration itself where no source is
    gone or nothing is remembered.
  """
  gone = {
    f'{name}.prepared': section
    for name, section in _data_sections(config)
    if is_gone(section.source) and not section.prepared
  }
  if not gone:
    return config
  known = _remembered(workdir)
  return changed(config, {name: known.get(_identity(own), '') for name, own in gone.items()})


def declared(section, num_replicas: int = 1) -> preparation.Declared:
  """What the data set of a `data` section declares, without preparing it.

  Args:
    section: the section.
    num_replicas: whose images are to be there.

  Raises:
    UserError: see `data_prep.preparation.declared`.
  """
  own = preparation.declared(section.dataset, **section.place)
  splits = num_replicas > 1 and preparation.replica_splits(section.dataset, num_replicas)
  if splits:
    own = own._replace(folder=preparation.declared(splits.pool, **section.place).folder)
  return own


def check_apart(config, workdir: pathlib.Path) -> None:
  """Refuses a work directory inside of a folder of own images, where its pictures would be read.

  Args:
    config: of an experiment.
    workdir: its work directory; it need not be there.

  Raises:
    UserError: `workdir` is the folder of a section's source, or lies in it.
  """
  inside = pathlib.Path(workdir).resolve()
  for _, section in _data_sections(config):
    own = section.dataset.partition('/')[0] == OWN_IMAGES and section.source
    source = files.expanded(section.source).resolve() if own else None
    if source in (inside, *inside.parents):
      raise UserError(
        f'the work directory {workdir} lies in config.data.source={section.source!r}, where its '
        'pictures would be read as images: choose another --workdir'
      )


def _data_sections(config, prefix: str = ''):
  """(name, section) of all `data` sections of an experiment and of its classifiers."""
  for name, section in config:
    if isinstance(section, DataConfig):
      yield f'{prefix}{name}', section
    elif isinstance(section, Section):
      yield from _data_sections(section, f'{prefix}{name}.')


def _identity(section) -> tuple:
  source = os.path.normpath(os.path.expanduser(section.source or ''))
  return section.dataset, source, section.options


def _remembered(workdir) -> dict[tuple, str]:
  """{identity of a `data` section: name of the prepared data} of the jobs in a work directory."""
  known = {}
  for path in (path for jobs in _JOBS for path in sorted(pathlib.Path(workdir).glob(jobs))):
    try:
      content = identity.content(path.parent)
      data = section_lib.checked(DataConfig, content.get('data', {}))
      known[_identity(data)] = prepared_name(content.get('images', ''))
    except UserError:
      continue  # Reported by the code that needs that job.
  return known
