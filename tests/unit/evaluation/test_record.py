"""Records: written records are read back, and impossible ones are refused in one line."""

import json
import pathlib

import pytest

from jaxgan.errors import UserError
from jaxgan.evaluation import metric, record
from jaxgan.evaluation.record import EvaluationRecord, LabelSet
from jaxgan.runs import families
from tests.support.evaluations import CLASS_BALANCE, CODES

RESULTS = pathlib.Path(__file__).parents[3] / 'experiments' / 'results'


@pytest.mark.parametrize('fields', [CLASS_BALANCE, CODES])
def test_a_record_survives_writing_and_reading(tmp_path, fields):
  first = EvaluationRecord.model_validate_json(json.dumps(fields))
  record.write(tmp_path, first)
  again = record.read(tmp_path / record.NAME)
  assert again == first
  assert again.model_dump(mode='json') == fields
  for old, new in ((first.settings, again.settings), (first.results, again.results)):
    assert [type(value) for value in old.values()] == [type(value) for value in new.values()]


def test_images_are_counted_by_classes_before_codes():
  by_labels = EvaluationRecord.model_validate_json(json.dumps(CODES))
  without = by_labels.model_copy(update={'labels': {'codes': by_labels.labels['codes']}})
  assert (by_labels.counted_by, without.counted_by) == ('classes', 'codes')


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    ({'format': 3}, 'format: Input should be 2'),
    ({'step': '4'}, 'step: Input should be a valid integer'),
    ({'other': 1}, 'other: Extra inputs are not permitted'),
    ({'results': {}}, 'results: Dictionary should have at least 1 item'),
    ({'labels': {'classes': {'names': ['a'], 'counts': [1, 2]}}}, 'names and counts differ'),
  ],
)
def test_what_no_evaluation_wrote_is_refused(tmp_path, change, message):
  (tmp_path / record.NAME).write_text(json.dumps(CODES | change))
  with pytest.raises(UserError, match=f'is damaged .*{message}.*; run jaxgan evaluate again') as e:
    record.read(tmp_path / record.NAME)
  assert '\n' not in str(e.value)


def test_infinity_cannot_be_recorded():
  with pytest.raises(ValueError, match='finite'):
    EvaluationRecord(
      **CLASS_BALANCE | {'results': {'fid': float('nan')}, 'labels': {}, 'notes': ()}
    )
  with pytest.raises(ValueError, match='differ in length'):
    LabelSet(names=('a',), counts=(1, 2))


def test_recorded_results_are_records():
  """The records in experiments/results were converted from format 1."""
  found = []
  for path in RESULTS.rglob('*.json'):
    data = json.loads(path.read_text())
    if isinstance(data, dict) and {'experiment', 'method', 'results'} <= data.keys():
      one = record.read(path)
      metric.check(families.family_of([one.method]).metrics, one)
      found.append(one)
  assert len(found) == 94
  assert {one.counted_by for one in found} == {'classes'}
  assert all('seed' in one.run and 'hardware' in one.run for one in found)


def _record(step, cas, **fields):
  changes = {'step': step, 'results': CLASS_BALANCE['results'] | {'cas': cas}, **fields}
  if cas is not None:
    changes['settings'] = CLASS_BALANCE['settings'] | {'cas_images': 100}
    changes['run'] = CLASS_BALANCE['run'] | {'cas_labels': 'resnet'}
  return EvaluationRecord.model_validate_json(json.dumps(CLASS_BALANCE | changes))


def test_every_step_stays(tmp_path):
  for step in (200, 100, 300):
    record.write(tmp_path, _record(step, 0.5))
  assert [own.step for own in record.history(tmp_path)] == [100, 200, 300]
  assert record.read(tmp_path / record.NAME).step == 300
  record.write(tmp_path, _record(200, 0.6))
  assert [own.results['cas'] for own in record.history(tmp_path)] == [0.5, 0.6, 0.5]


def test_a_record_of_an_older_version_joins_the_history(tmp_path):
  (tmp_path / record.NAME).write_text(_record(100, 0.5).model_dump_json())
  record.write(tmp_path, _record(200, 0.6))
  assert [own.step for own in record.history(tmp_path)] == [100, 200]


def test_a_score_that_is_not_asked_for_again_stays_with_its_step(tmp_path):
  record.write(tmp_path, _record(100, 0.5), ['cas'])
  again = record.write(tmp_path, _record(100, None), ['cas'])
  assert again.results['cas'] == 0.5
  assert again.settings['cas_images'] == 100
  assert again.run['cas_labels'] == 'resnet'
  later = record.write(tmp_path, _record(200, None), ['cas'])
  assert later.results['cas'] is None
  assert later.notes == ('CAS of step 100: 0.5, not measured again',)
  # Another generator at the same step has another score; the known one stays in a file.
  settings = CLASS_BALANCE['settings'] | {'batch_norm': 'recomputed'}
  other = record.write(tmp_path, _record(100, None, settings=settings), ['cas'])
  assert other.results['cas'] is None
  (kept,) = tmp_path.glob(f'{record.HISTORY}/step_00000100_*.json')
  assert record.read(kept).results['cas'] == 0.5
  assert record.history(tmp_path)[0].settings['batch_norm'] == 'recomputed'
  assert record.write(tmp_path, _record(100, None), ['cas']).results['cas'] == 0.5


def test_a_damaged_history_ends_no_evaluation(tmp_path):
  record.write(tmp_path, _record(100, 0.5))
  (path,) = (tmp_path / record.HISTORY).iterdir()
  path.write_text('{')
  record.write(tmp_path, _record(200, None), ['cas'])
  with pytest.raises(UserError, match=r'step_00000100\.json is damaged: delete it$'):
    record.history(tmp_path)
