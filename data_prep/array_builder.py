"""The TFDS builder that all data sets here share: arrays go in, array_record files come out."""

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
from tensorflow_datasets.core.utils import tqdm

from data_prep.long_tail import indices_sha256
from data_prep.readers import Notes

VERSION = '1.0.0'


class Split(NamedTuple):
  """A split to write.

  images gives N images uint8 [H, W, C]: an array, or an iterable that decodes one after another, so
  that they are never in memory together. labels int [N], and indices int [N]: where each image lies
  in its source. Records are written in this order.
  """

  images: Iterable[np.ndarray]
  labels: np.ndarray
  indices: np.ndarray


class Recipe(NamedTuple):
  """How `data_prep.build` gets a data set; each module's `recipe` function returns one.

  config names the folder of the prepared data. make(data_dir) returns the builder
  and is called only when that folder does not exist. pixels is what the user's
  source holds ('exact', 'jpeg', ...), '' where there is nothing to compare. listed is
  what the source is like now, for the table of what was read; None without a source.
  """

  config: str
  make: Callable[[str], 'ArrayBuilder']
  pixels: str = ''
  listed: Notes | None = None


class Part(NamedTuple):
  """What a replica has of a pool: positions of images, and the numbers of its classes in order."""

  indices: np.ndarray
  classes: np.ndarray


class ReplicaSplits(NamedTuple):
  """The splits of several replicas as parts of one pool.

  pool is the data set that holds the images of all. For each replica, names has the data set that
  is its split, and choices a function of the pool (`data_prep.build.Arrays`) to its Part.
  """

  pool: str
  names: tuple[str, ...]
  choices: tuple[Callable[[Any], Part], ...]


@dataclasses.dataclass(kw_only=True)
class RatioConfig(tfds.core.BuilderConfig):
  """A builder config with an imbalance ratio.

  n_max is the number of images of the most frequent class, by default as many as the data set has:
  a few labels of each class are ratio 1 and a small n_max.
  """

  ratio: float = 1.0
  n_max: int | None = None


class ArrayBuilder(FileReaderBuilder, skip_registration=True):
  """A TFDS builder of labelled images; works without TensorFlow.

  Each record goes to its file as soon as its image is there, one file a split, so that memory does
  not grow with the number of images. The writers of TFDS's own builders keep all records of a split
  in memory, and need TensorFlow for more than 1 GB of them.

  Subclasses give the image shape, the class names and `read_splits`. What can be checked without
  decoding every image is checked there, before the first record is written.

  Args:
    source: path of the original files; what it may be is up to the subclass.
    **kwargs: those of `tfds.core.DatasetBuilder`.
  """

  VERSION = tfds.core.Version(VERSION)
  image_shape: tuple[int, int, int]
  class_names: tuple[str, ...]
  labelled: bool = True
  more_features: Mapping[str, Any] = MappingProxyType({})  # Of those whose examples have more.

  def __init__(self, *, source: str = '', file_format: str = 'array_record', **kwargs):
    self.source = source
    # The default tfrecord has no random access and needs TensorFlow to be read.
    super().__init__(file_format=file_format, **kwargs)

  @abc.abstractmethod
  def read_splits(self, dl_manager) -> tuple[dict[str, Split], dict[str, Any]]:
    """The splits by name, and facts for the metadata that JSON can hold."""

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
    self.info.metadata.update(facts, class_names=list(self.class_names))
    for name, split in splits.items():
      counts = np.bincount(split.labels, minlength=len(self.class_names))
      self.info.metadata[name] = {
        'class_counts': counts.tolist(),
        'indices_sha256': indices_sha256(split.indices),
      }
    written = [self._write(name, split) for name, split in splits.items()]
    self.info.set_splits(tfds.core.SplitDict(written))

  def _write(self, name: str, split: Split) -> tfds.core.SplitInfo:
    files = self._get_filename_template(split_name=name)
    path = files.sharded_filepath(shard_index=0, num_shards=1)
    num_images, num_bytes = len(split.labels), 0
    # As TFDS writes it: groups of one record, for random access.
    writer = ArrayRecordWriter(os.fspath(path), 'group_size:1')
    try:
      examples = self._generate_examples(name, split)
      for example in tqdm(examples, desc=f'Writing {name}', total=num_images, leave=False):
        record = self.info.features.serialize_example(example)
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
    # TFDS writes the metadata when all records are there.
    self.info.metadata[name]['arrays_sha256'] = digest.hexdigest(split.labels, split.indices)


class ArraysDigest:
  """SHA-256 of a split: changes with its shape and any pixel, label or position.

  Args:
    shape: (N, H, W, C).
  """

  def __init__(self, shape: tuple[int, ...]):
    self._digest = hashlib.sha256(str(shape).encode())

  def update(self, images: np.ndarray) -> None:
    """Adds the next images, uint8, one or several."""
    self._digest.update(np.ascontiguousarray(images).data)

  def hexdigest(self, labels: np.ndarray, indices: np.ndarray) -> str:
    """The 64 hexadecimal digits, after all images; labels and indices int [N]."""
    digest = self._digest.copy()
    digest.update(indices_sha256(labels).encode())
    digest.update(indices_sha256(indices).encode())
    return digest.hexdigest()
