"""The TFDS builder of all data sets: writes arrays to array_record files."""

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
import dataclasses
import hashlib
import os
from types import MappingProxyType
from typing import Any, NamedTuple

from array_record.python.array_record_module import ArrayRecordWriter
import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.dataset_builder import FileReaderBuilder

from data_prep.long_tail import indices_sha256
from data_prep.readers import Notes
from jaxgan.system import messages

VERSION = '1.0.0'


class Split(NamedTuple):
  """A split to write; records keep its order.

  Attributes:
    images: N images uint8 [H, W, C]: an array, or an iterable that decodes them one by one, so that
      they are never in memory together.
    labels: int [N].
    indices: int [N], positions of the images in the source.
  """

  images: Iterable[np.ndarray]
  labels: np.ndarray
  indices: np.ndarray


class Recipe(NamedTuple):
  """Instructions for `data_prep.build`, from the function `recipe` of a data set's module.

  Attributes:
    config: names the folder of the prepared data.
    make: `make(data_dir)` returns the builder; called only if this folder does not exist.
    pixels: origin of the pixels in the source ('exact', 'jpeg', ...); '' if unknown.
    listed: the Notes on the current source; None without a source.
  """

  config: str
  make: Callable[[str], 'ArrayBuilder']
  pixels: str = ''
  listed: Notes | None = None


class Part(NamedTuple):
  """The share of a replica in a pool: positions of its images, and its classes in order."""

  indices: np.ndarray
  classes: np.ndarray


class ReplicaSplits(NamedTuple):
  """The splits of several replicas as parts of one pool.

  Attributes:
    pool: the data set with the images of all replicas.
    names: per replica, the data set that is its split.
    choices: per replica, a function from the pool (`data_prep.build.Arrays`) to its Part.
  """

  pool: str
  names: tuple[str, ...]
  choices: tuple[Callable[[Any], Part], ...]


@dataclasses.dataclass(kw_only=True)
class RatioConfig(tfds.core.BuilderConfig):
  """A builder config with an imbalance ratio.

  n_max is the number of images of the most frequent class, by default all images of the class. A
  few labels per class are ratio 1 and a small n_max.
  """

  ratio: float = 1.0
  n_max: int | None = None


class ArrayBuilder(FileReaderBuilder, skip_registration=True):
  """A TFDS builder of labelled images; works without TensorFlow.

  Each image is written as soon as it is decoded, into one file per split, so that memory does not
  grow with the number of images. TFDS's writers keep all records of a split in memory, and need
  TensorFlow for more than 1 GB.

  Subclasses define the image shape, the class names and `read_splits`, which checks all that needs
  no decoding before the first record is written.
  """

  VERSION = tfds.core.Version(VERSION)
  image_shape: tuple[int, int, int]
  class_names: tuple[str, ...]
  labelled: bool = True
  more_features: Mapping[str, Any] = MappingProxyType({})  # Of examples with further fields.

  builder_config: Any  # Of the class that the subclass uses; None without configs.

  def __init__(self, *, source: str = '', file_format: str = 'array_record', **kwargs: Any):
    """Prepares nothing yet.

    Args:
      source: path of the original files; its form is up to the subclass.
      file_format: of the prepared data.
      **kwargs: of `tfds.core.DatasetBuilder`.
    """
    self.source = source
    # TFDS's default, tfrecord, has no random access and needs TensorFlow for reading.
    super().__init__(file_format=file_format, **kwargs)

  @abc.abstractmethod
  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """Reads the splits.

    Args:
      dl_manager: the download manager of TFDS.

    Returns:
      The splits by name, and facts for the metadata, as JSON.
    """

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description=type(self).__doc__,
      features=tfds.features.FeaturesDict(
        {
          # features.Image needs TensorFlow to encode arrays.
          'image': tfds.features.Tensor(shape=self.image_shape, dtype=np.uint8, encoding='zlib'),
          'label': tfds.features.ClassLabel(names=list(self.class_names)),
          'index': np.int64,
          **self.more_features,
        }
      ),
      supervised_keys=('image', 'label'),
      disable_shuffling=True,  # Records keep the order of the split.
      metadata=tfds.core.MetadataDict(),
    )

  def _download_and_prepare(self, dl_manager, download_config=None):
    del download_config  # Its fields concern shuffling, shards and Beam.
    splits, facts = self.read_splits(dl_manager)
    metadata: Any = self.info.metadata
    metadata.update(facts, class_names=list(self.class_names))
    for name, split in splits.items():
      counts = np.bincount(split.labels, minlength=len(self.class_names))
      metadata[name] = {
        'class_counts': counts.tolist(),
        'indices_sha256': indices_sha256(split.indices),
      }
    written = [self._write(name, split) for name, split in splits.items()]
    self.info.set_splits(tfds.core.SplitDict(written))

  def _write(self, name: str, split: Split) -> tfds.core.SplitInfo:
    files = self._get_filename_template(split_name=name)
    path = files.sharded_filepath(shard_index=0, num_shards=1)
    num_images, num_bytes = len(split.labels), 0
    features: Any = self.info.features
    # Like TFDS: groups of one record, for random access.
    writer = ArrayRecordWriter(os.fspath(path), 'group_size:1')
    try:
      examples = self._generate_examples(name, split)
      text = f'preparing {num_images:,} images: {name}'
      for example in messages.counted(examples, num_images, text):
        record = features.serialize_example(example)
        writer.write(record)
        num_bytes += len(record)
    finally:
      writer.close()
    return tfds.core.SplitInfo(
      name=name, shard_lengths=[num_images], num_bytes=num_bytes, filename_template=files
    )

  def _generate_examples(self, name: str, split: Split) -> Iterator[dict[str, Any]]:
    digest = ArraysDigest((len(split.labels), *self.image_shape))
    for image, label, index in zip(*split, strict=True):
      digest.update(image)
      yield {'image': image, 'label': int(label), 'index': int(index)}
    # TFDS writes the metadata after all records.
    metadata: Any = self.info.metadata
    metadata[name]['arrays_sha256'] = digest.hexdigest(split.labels, split.indices)


class ArraysDigest:
  """SHA-256 of a split: changes with its shape and any pixel, label or position."""

  def __init__(self, shape: tuple[int, ...]):
    """Takes the shape (N, H, W, C)."""
    self._digest = hashlib.sha256(str(shape).encode())

  def update(self, images: np.ndarray) -> None:
    """Adds one or several further images, uint8."""
    self._digest.update(np.ascontiguousarray(images).data)

  def hexdigest(self, labels: np.ndarray, indices: np.ndarray) -> str:
    """Returns 64 hexadecimal digits, after all images; labels and indices are int [N]."""
    digest = self._digest.copy()
    digest.update(indices_sha256(labels).encode())
    digest.update(indices_sha256(indices).encode())
    return digest.hexdigest()
