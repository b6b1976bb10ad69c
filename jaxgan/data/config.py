"""The `data` section: data set, location of its files, and augmentation.

In the section of a classifier or recogniser, None stands for the value of the experiment's `data`,
see `jaxgan.runs.experiment.resolved`.
"""

from typing import Annotated, Any

from annotated_types import Ge

from data_prep.preparation import DATASETS
from jaxgan.config.section import Count, Fraction, NamedIn, Section, WholeNumber, field


class DataOptions(Section):
  """Options of data sets of own images, and of LSUN."""

  imbalance_ratio: Annotated[float, Ge(1)] | None = field(
    None, 'makes own images long-tailed; images of the first class / images of the last'
  )
  image_size: Count | None = field(
    None, 'side in pixels to which own images are resized', example=32
  )
  background: str | None = field(
    None, "background colour of transparent images, such as '#000000'; none: white"
  )
  test_share: Fraction | None = field(None, 'held-out share of own images; none: 0.1', example=0.1)
  seed: WholeNumber | None = field(
    None, 'seed of the choice of held-out images; none: 0', example=0
  )
  split: str | None = field(
    None, 'path of a split.csv that names the training and test images', free=True
  )
  skip_unreadable: bool | None = field(
    None, 'leave out unreadable own images and count them; none: False'
  )
  picture: str | None = field(
    None, "LSUN only: 'squash' (resize the whole picture) or 'centre_crop'"
  )


class DataConfig(Section):
  """Data set, location of its files, and augmentation."""

  dataset: Annotated[str, NamedIn(DATASETS)] | None = field(
    None, 'NAME/CONFIG of `data_prep`; long_tail_folder for own images'
  )
  source: str | None = field(
    None, 'path of original files, for data sets that are not downloaded', free=True
  )
  data_dir: str | None = field(
    None, 'folder of prepared data; empty: $TFDS_DATA_DIR or ~/tensorflow_datasets', free=True
  )
  prepared: str = field('', 'NAME/CONFIG of prepared data to read if the source is gone', free=True)
  options: DataOptions = field(DataOptions(), 'options of the data set')
  streaming: bool | None = field(
    None, 'read batches from disk; none: if images exceed half of the device memory', free=True
  )
  flip: bool = field(False, 'mirror images at random')
  crop_padding: WholeNumber = field(0, 'padding in pixels before a random crop; 0: no crop')

  @property
  def place(self) -> dict[str, Any]:
    """Location and options of the images, as arguments of functions in `data_prep`."""
    options = self.options.model_dump(exclude_none=True)
    where = {'source': self.source or '', 'data_dir': self.data_dir or ''}
    return {**options, **where, 'prepared': self.prepared}
