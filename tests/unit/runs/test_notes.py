"""Fields that cannot matter, as `plan` and `train` say."""

import pytest

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import notes, plan, schedules
from jaxgan.runs.experiment import resolved
from tests.support.experiment_names import EXPERIMENTS, module
from tests.support.fashion import fashion


def _notes(changes, experiment='fashion_lt', argument='method=class_balancing'):
  config = changed(module(experiment).get_config(argument), changes)
  found = notes.notes(schedules.fixed(resolved(config)), None, tuple(changes))
  return [f'refused: {note.line}' if note.is_error else note.line for note in found]


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_experiments_that_come_with_jaxgan_have_no_such_field(name):
  assert _notes({}, name, '') == []


@pytest.mark.parametrize(
  ('changes', 'line'),
  [
    (
      {'algorithm.ema_start': 5000},
      'config.algorithm.ema_start=5000, but the run has 3,000 steps: averaging never starts, and '
      'the averaged generator is the last generator',
    ),
    (
      {'algorithm.count_cycle': 3000},
      'config.algorithm.count_cycle=3000, but the run has 3,000 steps: the effective counts never '
      'change',
    ),
    (
      {'algorithm.r1_r2_weight': 0.1},
      'config.algorithm.r1_r2_steps=100000, but the run has 3,000 steps: γ of R1 + R2 does not '
      'reach r1_r2_end_weight',
    ),
    (
      {'train.evaluate_every': 4000, 'train.picture_every': 5000},
      'config.train: evaluate_every=4000, picture_every=5000, but the run has 3,000 steps: only '
      'its end is evaluated, drawn',
    ),
    (
      {'algorithm.lecam_decay': 0.5},
      'config.algorithm.lecam_decay=0.5 has no effect: lecam_weight is 0',
    ),
    (
      {'algorithm.class_loss_weight': 0.5},
      'config.algorithm.class_loss_weight=0.5 has no effect: no method is acgan',
    ),
    (
      {'evaluation.cas': False, 'evaluation.cas_images': 500},
      'config.evaluation.cas_images=500 has no effect: evaluation.cas is False',
    ),
    (
      {'classifier.algorithm.focal_gamma': 2.0},
      'config.classifier.algorithm.focal_gamma=2.0 has no effect: loss is not focal',
    ),
    (
      {'annotator.algorithm.decay_epochs': (12, 30)},
      'config.annotator.algorithm.decay_epochs=(12, 30), but the run has 15 epochs: the learning '
      'rate does not fall at the later ones',
    ),
    (
      {'classifier.algorithm.drw_epoch': 60},
      'config.classifier.algorithm.drw_epoch=60, but the run has 50 epochs: classes are not '
      're-weighted',
    ),
    (
      {'evaluation.checkpoint': '4000'},
      'refused: config.evaluation.checkpoint=4000: expected latest, best or a step up to 3000, the '
      'end of the run.',
    ),
    (
      {'folder': 'runs/x'},
      "refused: config.folder='runs/x': expected '', only config.recogniser reads a folder; "
      '--workdir names the work directory.',
    ),
    (
      {'cas.algorithm.weights': 'w.npz'},
      "refused: config.cas.algorithm.weights='w.npz': expected '' for network=resnet; "
      'resnet50_vggface2 and bit_r50x1 start from weights.',
    ),
  ],
)
def test_a_field_that_cannot_matter(changes, line):
  assert _notes(changes) == [line]


@pytest.mark.parametrize(
  ('method', 'changes', 'because'),
  [
    ('unconditional', {'algorithm.regulariser_weight': 3.0}, 'no method has the class-balance'),
    ('acgan', {'algorithm.count_decay': 0.1}, 'no method counts classes'),
    ('acgan', {'algorithm.effective_labels': 'both_steps'}, 'no method is class_balancing_condi'),
  ],
)
def test_fields_of_other_methods_are_said_where_the_user_gave_them(method, changes, because):
  (line,) = _notes(changes, argument=f'method={method}')
  assert f'has no effect: {because}' in line
  assert _notes({}, argument=f'method={method}') == []
  assert _notes(changes, argument='method=all') == [line] * ('effective' in line)


@pytest.mark.parametrize(
  ('argument', 'changes', 'because'),
  [
    ('method=elastic_infogan', {'algorithm.width': 32}, 'this network has a fixed width'),
    ('method=uniform_infogan', {'algorithm.rotation_degrees': 5.0}, 'contrastive is none'),
    ('method=uniform_infogan', {'algorithm.temperature': 0.5}, 'the prior is not learned'),
    ('method=gumbel_softmax_pos', {'algorithm.contrastive_temperature': 0.5}, 'is not nt_xent'),
  ],
)
def test_fields_of_codes(argument, changes, because):
  (line,) = _notes(changes, 'mnist_lt', argument)
  assert line.endswith(because)
  assert _notes({}, 'mnist_lt', argument) == []


def test_capacities_that_are_not_reached():
  changes = {'train.steps': 500, 'algorithm.capacity_steps': 1000}
  lines = _notes(changes, 'mnist_lt', 'method=joint_vae')
  assert lines[-1].endswith('the capacities do not reach continuous_capacity and discrete_capacity')


def test_a_plan_has_notes_and_refusals(tmp_path):
  changes = {
    'evaluation.cas': False, 'cas.train.epochs': 5, 'evaluation.checkpoint': '4000',
    'algorithm.lecam_decay': 0.5,
  }  # fmt: skip
  config = changed(fashion(tmp_path), changes)
  *_, made = plan.planned(config, tmp_path / 'run', config.methods, changes)
  assert made.notes == (
    'config.cas.train.epochs has no effect: class_balancing needs no cas',
    'config.algorithm.lecam_decay=0.5 has no effect: lecam_weight is 0',
  )
  assert [line[:35] for line in made.refusals] == ['config.evaluation.checkpoint=4000: ']
  with pytest.raises(UserError, match='checkpoint=4000'):
    plan.prepared(config, tmp_path / 'run', config.methods)


def test_one_epoch():
  (line, *_) = _notes({'classifier.train.epochs': 1})
  assert 'but the run has 1 epoch: ' in line
