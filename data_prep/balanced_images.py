"""The TFDS builder of exported images, real and generated."""

from typing import Any

import numpy as np

from data_prep.array_builder import ArrayBuilder, Split


class BalancedImages(ArrayBuilder, skip_registration=True):
  """Exported images with equally frequent classes; `generated` marks the generated images."""

  more_features = {  # noqa: RUF012
    'generated': np.bool_, 'draw': np.int64, 'confidence': np.float32
  }  # fmt: skip

  def __init__(self, data: Any, **kwargs: Any):
    """Takes `data_prep.writers.LabelledImages`."""
    self.image_shape, self.class_names = data.shape, data.class_names
    self._exported = data
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    splits = self._exported.splits
    return {name: Split(d.images, d.labels, d.indices) for name, d in splits.items()}, {}

  def _generate_examples(self, name, split):
    examples, data = super()._generate_examples(name, split), self._exported.splits[name]
    _, draws, confidences = data.origins
    for example, *more in zip(examples, data.generated, draws, confidences, strict=True):
      yield example | dict(zip(self.more_features, more, strict=True))
