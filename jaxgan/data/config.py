"""The `data` section: which images, where they are, and how they are augmented.

In the section of a classifier or recogniser, None is what the experiment's own data has, see
`jaxgan.runs.experiment.resolved`.
"""

from typing import Annotated, Any

from annotated_types import Ge

from data_prep.preparation import DATASETS
from jaxgan.config.section import Count, Fraction, NamedIn, Section, WholeNumber, field


class DataOptions(Section):
  """Options of some data sets: own images, and those that are resized or cropped."""

  imbalance_ratio: Annotated[float, Ge(1)] | None = field(
    None, 'makes own balanced images long-tailed: images of the first class over the last'
  )
  image_size: Count | None = field(None, 'pixels a side that own images are resized to')
  background: str | None = field(
    None, "colour behind transparent images, such as '#000000'; none: white"
  )
  test_share: Fraction | None = field(None, 'share of own images that is for testing; none: 0.1')
  seed: WholeNumber | None = field(None, 'of that choice; none: 0')
  picture: str | None = field(None, "of LSUN: 'squash' the whole picture, or 'centre_crop'")


class DataConfig(Section):
  """Which data set, where its files are, and how its images are augmented."""

  dataset: Annotated[str, NamedIn(DATASETS)] | None = field(
    None, 'NAME/CONFIG of data_prep, or long_tail_folder for own images'
  )
  source: str | None = field(None, 'path to original files that are not downloaded', free=True)
  data_dir: str | None = field(
    None, 'prepared data sets; empty: $TFDS_DATA_DIR or ~/tensorflow_datasets', free=True
  )
  prepared: str = field('', 'NAME/CONFIG of prepared data, read if the source is gone', free=True)
  options: DataOptions = field(DataOptions(), 'options of the data set')
  streaming: bool | None = field(
    None, 'read batches from the disk; none: if images fill half of the device memory', free=True
  )
  flip: bool = field(False, 'mirror images at random')
  crop_padding: WholeNumber = field(0, 'pixels that images are padded by before a random crop')

  @property
  def place(self) -> dict[str, Any]:
    """Where the images are and how they are prepared: arguments of `data_prep`'s functions."""
    options = self.options.model_dump(exclude_none=True)
    where = {'source': self.source or '', 'data_dir': self.data_dir or ''}
    return {**options, **where, 'prepared': self.prepared}
