"""A log with damage before its last line stops a resumed run and stays unchanged."""

import pytest

from jaxgan.errors import UserError
from jaxgan.system import parallel
from jaxgan.training import loop
from tests.support import toy
from tests.support.bad_input.folders import contents


@pytest.mark.slow
@pytest.mark.parametrize('row', ['{"step": 2, "loss', '[]', '{"loss": 1}', '{"step": "x"}'])
def test_a_damaged_row(row, tmp_path):
  data = toy.training_data(sizes=(20,))
  loop.train(toy.job(tmp_path / 'run', data), parallel.device_mesh())
  log = tmp_path / 'run' / 'metrics.jsonl'
  first, *rest = log.read_text().splitlines()
  assert '"step": 2' in first
  assert rest
  log.write_text('\n'.join([row, *rest, '']))
  before = contents(tmp_path)
  with pytest.raises(UserError, match=r'metrics.jsonl: line 1 is damaged: remove this line'):
    loop.train(toy.job(tmp_path / 'run', data, steps=6), parallel.device_mesh())
  after = contents(tmp_path)
  kept = {name for name in before if 'checkpoints' in name or name.endswith('metrics.jsonl')}
  assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
