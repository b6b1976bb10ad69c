"""docs/files.md lists what a run writes, and nothing that it does not."""

import json

import pytest

from jaxgan.evaluation.record import EvaluationRecord
from jaxgan.training import logging
from tests.support import files_page


def test_every_file_of_a_finished_run_is_listed(finished):
  assert files_page.unlisted(finished[0]) == []


@pytest.mark.parametrize(
  ('section', 'absent'),
  [
    (  # The parts of the run are registered by a module.
      'Configuration, log and checkpoints',
      ['METHOD/modules/', 'ROLE/modules/', 'METHOD/cas/modules/'],
    ),
    ('Evaluation of a method', ['METHOD/profile/']),  # With --profile.
    ('Beside the methods', []),
  ],
)
def test_every_listed_file_is_written(finished, section, absent):
  assert files_page.listed(section)
  assert files_page.not_written(finished[0], section) == absent


def test_every_field_of_a_record_and_of_a_row_is_listed(finished):
  text = files_page.PAGE.read_text(encoding='utf-8')
  rows, fields = text.split('(metrics-jsonl)=')[1].split('(evaluation-json)=')
  assert [name for name in EvaluationRecord.model_fields if f'`{name}`' not in fields] == []
  for job in ('class_balancing', 'unconditional', 'classifier'):
    names = {name for row in logging.read_metrics(finished[0] / job) for name in row}
    groups = ('loss/', 'evaluation/')
    assert [n for n in names if not n.startswith(groups) and f'`{n}`' not in rows] == []
  assert json.loads((finished[0] / 'class_balancing/evaluation.json').read_text())['format'] == 2
