"""The sweep of JointVAE's weights: one run per pair with equal settings; it resumes."""

import json
import subprocess
import sys
import types

import pytest

from experiments import joint_vae_sweep as sweep
from experiments import mnist_lt
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from tests.support.stand_in import tiny_codes

NMI = {(10.0, 10.0): 0.4, (10.0, 20.0): 0.6, (20.0, 10.0): 0.5, (20.0, 20.0): 0.3}


def _config():
  config = tiny_codes('joint_vae')
  config = changed(config, {'data.source': 'somewhere'})
  return config


@pytest.fixture
def trained(monkeypatch):
  """Records the trained configurations; the metrics of each have the NMI of its pair."""
  configs = []

  class Started:
    def __init__(self, config, workdir, methods, show_data=False):
      assert methods == ('joint_vae',)
      self.config, self.workdir = config, workdir
      self.annotator = types.SimpleNamespace(key='annotator-1', accuracy=0.99)
      arrays = types.SimpleNamespace(key='data-1', labels=range(76))
      self.data = types.SimpleNamespace(replica_arrays=lambda replica: arrays)

    def folders(self, method):
      return [self.workdir / method]

  def train_method(made, method):
    algorithm = made.config.algorithm
    configs.append(made.config)
    folder = made.workdir / method
    folder.mkdir(parents=True)
    nmi = NMI[algorithm.beta_continuous, algorithm.beta_discrete]
    scores = {'evaluation/nmi': nmi, 'evaluation/ent': 1 - nmi}
    scores |= {'loss/kl_continuous': 4.0, 'loss/kl_categorical': 2.0}
    rows = ({'step': 2, **dict.fromkeys(scores, 9.0)}, {'step': 4, **scores})
    (folder / 'metrics.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))

  monkeypatch.setattr(sweep, 'execute', types.SimpleNamespace(
    start=Started, train_method=train_method
  ))  # fmt: skip
  return configs


def test_runs_differ_in_nothing_but_the_weights(trained, tmp_path):
  measured = sweep.measure(_config(), tmp_path / 'out', weights=(10.0, 20.0))
  pairs = [(c.algorithm.beta_continuous, c.algorithm.beta_discrete) for c in trained]
  assert pairs == list(NMI)
  rest = []
  for config in trained:
    assert config.annotator.folder == str(tmp_path / 'out' / 'annotator')
    # One evaluation, of the last step.
    assert config.train.evaluate_every == config.train.checkpoint_every == config.train.steps == 4
    weighted = {'algorithm': {'beta_continuous', 'beta_discrete'}}
    rest.append(config.model_dump(exclude=weighted))
  assert rest == [rest[0]] * 4
  assert measured == json.loads((tmp_path / 'out' / sweep.NAME).read_text())
  assert 'beta_continuous' not in measured['protocol']['algorithm']
  assert measured['protocol']['algorithm']['capacity_steps'] == 25_000
  folders = {path.name for path in (tmp_path / 'out').iterdir() if path.is_dir()}
  assert 'continuous_10_discrete_20' in folders
  assert len(folders) == 4


def test_the_best_is_that_of_the_largest_nmi(trained, tmp_path):
  del trained
  measured = sweep.measure(_config(), tmp_path / 'out', weights=(10.0, 20.0))
  assert measured['best'] == {
    'beta_continuous': 10.0, 'beta_discrete': 20.0, 'nmi': 0.6, 'ent': 0.4,
    'kl_continuous': 4.0, 'kl_categorical': 2.0,
  }  # fmt: skip
  assert sweep.table(measured).splitlines() == [
    '| NMI | β_c 10 | β_c 20 |',
    '|---|---|---|',
    '| β_z 10 | 0.400 | **0.600** |',
    '| β_z 20 | 0.500 | 0.300 |',
    '',
    'best: β_z 10, β_c 20, NMI 0.600, ENT 0.400',
  ]


def test_the_weights_are_those_of_the_paper_and_the_runs_short():
  assert sweep.WEIGHTS == (10, 20, 30, 40, 50)
  config = sweep.shortened(mnist_lt.get_config('method=joint_vae'))
  assert (config.train.steps, config.algorithm.capacity_steps) == (300, 150)
  assert config.evaluation.periodic_images_per_code == 1000


def test_other_methods_have_no_such_weights(trained, tmp_path):
  with pytest.raises(UserError, match=r"methods=\('elastic_infogan',\): expected \('joint_vae',\)"):
    sweep.measure(tiny_codes(), tmp_path / 'out')
  assert not trained
  assert not (tmp_path / 'out').exists()


@pytest.mark.slow
def test_the_command_refuses_in_a_line(tmp_path):
  command = [sys.executable, '-m', 'experiments.joint_vae_sweep']
  for arguments, message in (
    ([], 'name a folder for the results: --out'),
    (
      [f'--out={tmp_path}/out', '--config=experiments/mnist_lt.py'],
      "config.methods=('elastic_infogan',): expected ('joint_vae',)",
    ),
    (
      ['--config.algorithm.beta=10'],
      'config.algorithm.beta: there is no such field, did you mean --config.algorithm.beta2=10?',
    ),
    (
      ['--config.train.steps=many'],
      "config.train.steps='many': expected a positive integer",
    ),
    (['--config=nothing.py'], '--config=nothing.py: no such file'),
    ([f'{tmp_path}/out'], f"unknown argument '{tmp_path}/out'"),
  ):
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count('\n') == 1
    assert result.stderr.startswith(f'error: {message}')
  assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_sweep_is_not_repeated(stand_in_data, tmp_path):
  del stand_in_data
  config = tiny_codes('joint_vae')
  first = sweep.measure(config, tmp_path / 'out', weights=(10.0, 20.0))
  metrics = sorted((tmp_path / 'out').glob('*/joint_vae/metrics.jsonl'))
  assert len(metrics) == 4
  assert (tmp_path / 'out' / 'annotator').is_dir()
  written = [path.stat().st_mtime_ns for path in metrics]
  assert sweep.measure(config, tmp_path / 'out', weights=(10.0, 20.0)) == first
  assert [path.stat().st_mtime_ns for path in metrics] == written
