"""Data sets of images in the layouts of the library `datasets`, written with pyarrow alone."""

import io
import json

import numpy as np
from PIL import Image
import pyarrow as pa
from pyarrow import ipc, parquet


def encoded(shade: int, mode='RGB', kind='PNG', size=8) -> bytes:
  """An image file of one shade."""
  data = io.BytesIO()
  Image.new('L', (size, size), shade).convert(mode).save(data, kind)
  return data.getvalue()


def table(
  images, labels=None, names=('cat', 'dog'), image='image', label='label', **columns
) -> pa.Table:
  """A table with the features Image and, unless `names` is None, ClassLabel."""
  images = [None if data is None else {'bytes': data, 'path': None} for data in images]
  struct = pa.struct({'bytes': pa.binary(), 'path': pa.string()})
  arrays, features = {image: pa.array(images, struct)}, {image: {'_type': 'Image'}}
  if labels is not None:
    arrays[label] = pa.array(labels)
    named = {'names': list(names), '_type': 'ClassLabel'} if names else None
    features[label] = named or {'dtype': 'int64', '_type': 'Value'}
  arrays |= {name: pa.array(values) for name, values in columns.items()}
  features |= {name: {'dtype': 'int64', '_type': 'Value'} for name in columns}
  metadata = {'huggingface': json.dumps({'info': {'features': features}})}
  return pa.table(arrays).replace_schema_metadata(metadata)


def shades(count, first=0, **how):
  """A table of images with the shades first, first + 1, ... and labels 0, 1, 0, ..."""
  return table([encoded(first + i, **how) for i in range(count)], (np.arange(count) % 2).tolist())


def save(folder, contents: pa.Table, num_shards=1):
  """As Dataset.save_to_disk does."""
  folder.mkdir(parents=True)
  names = [f'data-{i:05d}-of-{num_shards:05d}.arrow' for i in range(num_shards)]
  size = -(-len(contents) // num_shards)
  for i, name in enumerate(names):
    with ipc.new_stream(str(folder / name), contents.schema) as writer:
      writer.write_table(contents.slice(i * size, size), max_chunksize=3)
  state = {'_data_files': [{'filename': name} for name in names], '_split': None}
  (folder / 'state.json').write_text(json.dumps(state))
  (folder / 'dataset_info.json').write_text('{}')
  return folder


def save_splits(folder, **splits: pa.Table):
  """As DatasetDict.save_to_disk does."""
  for name, contents in splits.items():
    save(folder / name, contents)
  (folder / 'dataset_dict.json').write_text(json.dumps({'splits': list(splits)}))
  return folder


def write_parquet(folder, files: dict, row_group_size=3):
  """Writes {name in the folder: table}; returns the folder."""
  for name, contents in files.items():
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(contents, folder / name, row_group_size=row_group_size)
  return folder
