"""The TFDS builder of exported images, real and generated."""

from typing import Any

import numpy as np

from data_prep.array_builder import ArrayBuilder, Split


class BalancedImages(ArrayBuilder, skip_registration=True):
  """Exported images with equally frequent classes; `generated` marks the generated images."""

  more_features = {'generated': np.bool_}  # noqa: RUF012

  def __init__(self, data: Any, **kwargs: Any):
    """Takes `data_prep.writers.LabelledImages`."""
    self.image_shape, self.class_names = data.shape, data.class_names
    self._exported = data
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    data = self._exported
    return {'train': Split(data.images, data.labels, data.indices)}, {}

  def _generate_examples(self, name, split):
    examples = super()._generate_examples(name, split)
    for generated, example in zip(self._exported.generated, examples, strict=True):
      yield example | {'generated': bool(generated)}
