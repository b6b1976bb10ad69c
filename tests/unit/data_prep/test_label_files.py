"""Labels files beside images."""

import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from jaxgan.errors import UserError
from tests.support.data_prep.damage import changed_byte
from tests.support.data_prep.image_trees import contents, refused, zipped

CHUNKS = {f'0000{i // 2}/img0000000{i}.png': i for i in range(5)}


def dataset_json(labels):
  rows = labels and [[path, label] for path, label in zip(CHUNKS, labels, strict=True)]
  return {**CHUNKS, 'dataset.json': json.dumps({'labels': rows})}


def test_the_labels_of_dataset_tool(write):
  root = write(dataset_json([10, 2, 10, 2, 2]))
  for source in (root, zipped(root), zipped(root, 'set/'), zipped(root, './')):
    found, read = contents(source)
    assert found == {'train': {'2': [1, 3, 4], '10': [0, 2]}}
    assert read.class_names == ('2', '10')
    assert read.kind == 'labels file'


def test_no_labels_of_dataset_tool(write):
  root = write(dataset_json(None))
  for source in (root, zipped(root)):
    found, read = contents(source)
    assert found == {'train': {'unlabelled': [0, 1, 2, 3, 4]}}
    assert not read.labelled


def csv(rows, head='file_name,label'):
  return '\n'.join([head, *rows, ''])


PICTURES = {f'train/{i}.png': i for i in range(4)}


@pytest.mark.parametrize('table', [
  {'train/metadata.csv': csv(['0.png,dog', '1.png,cat', '3.png,dog'])},
  {'metadata.csv': '\ufeff' + csv(['x,train/0.png,dog', 'y,train/1.png,cat', 'z,train/3.png,dog'],
                                  'text,file_name,class')},
  {'train/metadata.jsonl': '\n'.join(json.dumps({'file_name': f'{i}.png', 'label': name})
                                     for i, name in ((0, 'dog'), (1, 'cat'), (3, 'dog')))},
])  # fmt: skip
def test_the_labels_of_image_folder(table, write):
  found, read = contents(write({**PICTURES, **table}))
  assert found == {'train': {'cat': [1], 'dog': [0, 3]}}
  (path,) = table
  assert dict(read.listed.passed_over) == {f'images without a row in {path}': 1}


def test_numbers_are_ordered_by_size_and_rows_without_a_label_counted(write):
  root = write(
    {**PICTURES, 'train/metadata.csv': csv(['0.png,10', '1.png,9', '2.png,', '3.png,9'])}
  )
  found, read = contents(root)
  assert found == {'train': {'9': [1, 3], '10': [0]}}
  assert read.class_names == ('9', '10')
  assert dict(read.listed.passed_over) == {'images without a label in train/metadata.csv': 1}


@pytest.mark.parametrize(
  ('table', 'classes'),
  [
    ({'metadata.csv': csv(['0.png,10.0', '1.png,9.0', '2.png,10', '3.png,9'])}, '9 10'),
    ({'metadata.jsonl': '{"file_name": "0.png", "label": 1.0}\n'
                        '{"file_name": "1.png", "label": 0}'}, '0 1'),
    ({'metadata.jsonl': '{"file_name": "0.png", "label": true}\n'
                        '{"file_name": "1.png", "label": false}'}, '0 1'),
    ({'dataset.json': '{"labels": [["0.png", 2.0], ["1.png", 0.0]]}'}, '0 2'),
  ],
)  # fmt: skip
def test_whole_floats_and_truths_are_numbers(table, classes, write):
  found, read = contents(write({f'{i}.png': i for i in range(4)} | table))
  assert ' '.join(read.class_names) == classes
  assert 0 in found['train'][classes.split()[1]]


def test_lines_of_jsonl_end_only_at_line_feeds(write):
  rows = [{'file_name': f'{i}.png', 'label': 'ab'[i % 2], 'text': 'one\u2028two'} for i in range(4)]
  text = '\r\n'.join(json.dumps(row, ensure_ascii=False) for row in rows)
  found, _ = contents(write({**PICTURES, 'train/metadata.jsonl': text}))
  assert found == {'train': {'a': [0, 2], 'b': [1, 3]}}


def test_labels_of_thousands_of_digits_are_names(write):
  rows = csv([f'{i}.png,{"1" * 5000 if i % 2 else 2}' for i in range(4)])
  _, read = contents(write({**PICTURES, 'train/metadata.csv': rows}))
  assert read.class_names == ('1' * 5000, '2')


def test_a_labels_file_for_each_split(write):
  root = write({'train/1.png': 1, 'train/2.png': 2, 'val/1.png': 3, 'val/2.png': 4,
                'train/metadata.csv': csv(['1.png,a', '2.png,b']),
                'val/metadata.csv': csv(['1.png,b', '2.png,a'])})  # fmt: skip
  assert contents(root)[0] == {'train': {'a': [1], 'b': [2]}, 'test': {'a': [4], 'b': [3]}}
  (root / 'val' / 'metadata.csv').unlink()
  assert 'expected a file beside the splits, or one in each of them' in refused(root)


def test_images_without_a_row_are_counted_beside_their_labels_file(write):
  root = write({'train/1.png': 1, 'val/1.png': 2, 'val/2.png': 3,
                'train/metadata.csv': csv(['1.png,a']),
                'val/metadata.csv': csv(['1.png,a'])})  # fmt: skip
  assert dict(contents(root)[1].listed.passed_over) == {
    'images without a row in val/metadata.csv': 1
  }


def test_a_caption_may_hold_other_line_ends(write):
  row = json.dumps(
    {'file_name': '1.png', 'label': 'a', 'text': 'b\u2028c\x85d'}, ensure_ascii=False
  )
  root = write({'1.png': 1, 'metadata.jsonl': row + '\r\n'})
  assert contents(root)[0] == {'train': {'a': [1]}}


def test_captions_are_not_labels(write):
  root = write(
    {'dog/1.png': 1, 'cat/1.png': 2, 'metadata.csv': csv(['dog/1.png,x'], 'file_name,t')}
  )
  found, read = contents(root)
  assert found == {'train': {'cat': [2], 'dog': [1]}}
  assert dict(read.listed.passed_over) == {'metadata.csv without a column label or class': 1}


@pytest.mark.parametrize(
  ('table', 'message'),
  [
    ({'metadata.csv': csv(['train/9.png,a'])}, "names 'train/9.png', which is not an image there"),
    ({'metadata.csv': csv(['../train/0.png,a'])}, 'which is not a file inside its folder'),
    ({'metadata.csv': csv(['.,a'])}, "names '.', which is not a file inside its folder"),
    ({'metadata.csv': csv(['train/0.png,a', 'train/0.png,b'])}, "names 'train/0.png' twice"),
    ({'metadata.csv': csv(['train/0.png,a,b'], 'file_name,label,class')}, 'either label or class'),
    ({'metadata.csv': csv(['train/0.png,a'], 'file,label')}, 'expected the columns file_name and'),
    ({'metadata.csv': csv([])}, 'has no labels'),
    ({'metadata.csv': b'file_name,label\n\xff,a'}, 'cannot be read'),
    ({'metadata.csv': '', 'metadata.jsonl': ''}, 'has metadata.csv and metadata.jsonl: keep'),
    ({'metadata.jsonl': '{'}, 'metadata.jsonl cannot be read'),
    ({'metadata.jsonl': '[1]'}, 'each line must be an object'),
    ({'metadata.jsonl': '{"file_name": "train/0.png", "label": 0.5}'}, 'label 0.5 of train/0.png'),
    ({'dataset.json': '{}'}, 'it has no field "labels"'),
    ({'dataset.json': '{"labels": [["train/0.png"]]}'}, 'null or a list of'),
    ({'dataset.json': '{"labels": [["train/0.png", [0, 1]]]}'}, 'is not an integer or name'),
    ({'dataset.json': '{"labels": [["train/0.png", 1], ["train/1.png", "a"]]}'}, 'numbers and na'),
  ],
)
def test_bad_labels_files(table, message, write):
  assert message in refused(write({**PICTURES, **table}))


def test_the_hash_covers_labels_but_not_ignored_files(write):
  from data_prep import long_tail_folder

  root = write({**PICTURES, 'train/metadata.csv': csv([f'{i}.png,a' for i in range(4)])})
  name = lambda: long_tail_folder.recipe('', str(root)).config  # noqa: E731
  first = name()
  write({'train/notes.txt': 'x', '.hidden': 'x'})
  assert name() == first
  write({'train/metadata.csv': csv([f'{i}.png,b' for i in range(4)])})
  assert name() != first


WHOLE = {
  'dataset.json': dataset_json([10, 2, 10, 2, 2])['dataset.json'],
  'metadata.csv': csv([f'{path},{i % 2}' for path, i in CHUNKS.items()]),
  'metadata.jsonl': '\n'.join(
    json.dumps({'file_name': path, 'label': 'ab'[i % 2]}) for path, i in CHUNKS.items()
  ),
}


@pytest.mark.parametrize('name', WHOLE)
@given(data=st.data())
def test_a_damaged_labels_file_is_refused_or_labels_existing_images(name, data, write):
  whole = WHOLE[name].encode()
  position = data.draw(st.integers(0, len(whole) - 1))
  for content in (whole[:position], changed_byte(whole, position, data.draw(st.integers(1, 255)))):
    root = write({**CHUNKS, name: content})
    refusal, found = '', None
    try:
      found, read = contents(root)
    except UserError as error:
      refusal = str(error)
    assert '\n' not in refusal
    if found is not None:
      shades = [shade for of_class in found['train'].values() for shade in of_class]
      assert len(shades) == len(set(shades))
      assert set(shades) <= set(CHUNKS.values())
      assert tuple(found['train']) == read.class_names
