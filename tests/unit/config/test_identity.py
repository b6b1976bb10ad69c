"""config.json: its content, and which changes make another run."""

import json

import pytest

from jaxgan.config import identity
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import families
from jaxgan.runs.experiment import resolved
from tests.support.experiment_names import module
from tests.support.stand_in import tiny, tiny_codes


def _remember(folder, config, change) -> None:
  """Writes config.json as an older version did: without a schema, with other fields."""
  old = config.model_dump(mode='json')
  change(old)
  (folder / 'config.json').write_text(json.dumps(old))


def test_config_json_holds_the_configuration(tiny_config, tmp_path):
  identity.remember(tmp_path / 'run', tiny_config)
  text = (tmp_path / 'run' / 'config.json').read_text()
  assert json.loads(text) == {'schema': 2, **tiny_config.model_dump(mode='json')}
  assert families.experiment(identity.content(tmp_path / 'run')) == tiny_config
  identity.remember(tmp_path / 'run', tiny_config)
  assert (tmp_path / 'run' / 'config.json').read_text() == text


@pytest.mark.parametrize(
  ('field', 'value', 'is_free'),
  [
    ('algorithm.learning_rate', 0.5, False),
    ('classifier.algorithm.loss', 'focal', False),
    ('classifier.checkpoint', 'best', False),
    ('classifier.folder', 'elsewhere', False),
    ('data.flip', True, False),
    ('data.options.image_size', 16, False),
    ('seed', 3, False),
    ('replicas', 2, False),
    ('train.batch_size', 16, False),
    ('train.epochs', 3, True),
    ('train.preview', True, True),
    ('classifier.train.keep', 5, True),
    ('data.source', 'elsewhere', True),
    ('classifier.data.streaming', True, True),
    ('workdir', 'elsewhere', True),
    ('evaluation.samples', 100, True),
    ('annotator.algorithm.loss', 'focal', True),
    ('cas.train.epochs', 3, True),
    ('published.acgan', 'class_balancing_gan.cifar10.acgan.100', True),
  ],
)
def test_free_fields_may_change_between_two_starts(tiny_config, tmp_path, field, value, is_free):
  identity.remember(tmp_path, tiny_config)
  other = changed(tiny_config, {field: value})
  assert [name for name, _, _ in identity.changes(tmp_path, other)] == [field] * (not is_free)


@pytest.mark.parametrize(('field', 'is_free'), [('evaluation.batch_size', True), ('seed', False)])
def test_a_recogniser_has_the_same_free_fields(tmp_path, field, is_free):
  config = resolved(module('label_free_folder').get_config())
  identity.remember(tmp_path, config)
  name = f'recogniser.{field}'
  found = identity.changes(tmp_path, changed(config, {name: 7}))
  assert [name for name, _, _ in found] == [name] * (not is_free)


@pytest.mark.parametrize(('method', 'weight'), [('acgan_pretrained', 0.7), ('acgan', 1.0)])
def test_an_older_class_loss_weight_also_weights_the_classifier(method, weight, tmp_path):
  """A method without this loss keeps the current default."""
  config = changed(
    tiny(),
    {
      'methods': (method,),
      'algorithm.class_loss_weight': 0.7,
      'algorithm.classifier_loss_weight': weight,
    },
  )
  _remember(tmp_path, config, lambda old: old['algorithm'].pop('classifier_loss_weight'))
  assert identity.changes(tmp_path, config) == []


@pytest.mark.parametrize(
  ('method', 'views'), [('elastic_infogan', 'paper'), ('uniform_infogan', 'released')]
)
def test_older_positive_pairs_follow_the_paper(method, views, tmp_path):
  """Methods without contrastive pairs get the current default."""
  config = changed(tiny_codes(method, small_networks=False), {'algorithm.views': views})
  _remember(tmp_path, config, lambda old: old['algorithm'].pop('views'))
  identity.check_unchanged(tmp_path, config)
  other = {'paper': 'released', 'released': 'paper'}[views]
  with pytest.raises(UserError, match=rf"algorithm\.views was '{views}', is '{other}'"):
    identity.check_unchanged(tmp_path, changed(config, {'algorithm.views': other}))


def test_an_older_joint_vae_shares_weight_and_capacity_between_latents(tmp_path):
  weights = {'algorithm.beta_continuous': 20.0, 'algorithm.beta_discrete': 20.0}
  capacities = dict.fromkeys(('algorithm.continuous_capacity', 'algorithm.discrete_capacity'), 4.0)
  config = changed(tiny_codes('joint_vae'), weights | capacities)

  def older(old):
    for latent in ('continuous', 'discrete'):
      old['algorithm']['beta'] = old['algorithm'].pop(f'beta_{latent}')
      old['algorithm']['capacity'] = old['algorithm'].pop(f'{latent}_capacity')

  _remember(tmp_path, config, older)
  assert families.experiment(identity.content(tmp_path)) == config


def test_older_effective_labels_are_drawn_in_both_steps(tmp_path):
  changes = {'algorithm.effective_labels': 'both_steps', 'algorithm.count_start': (50.0,)}
  config = changed(tiny(), {'methods': ('class_balancing_conditional',), **changes})

  def older(old):
    del old['algorithm']['effective_labels'], old['algorithm']['diff_augment']
    old['algorithm'].update(count_start=50.0, class_balanced_batches=False)

  _remember(tmp_path, config, older)
  assert identity.changes(tmp_path, config) == []


@pytest.mark.parametrize('schema', [1, 2])
def test_a_renamed_field_is_read_under_its_current_name(tiny_config, tmp_path, schema):
  config = changed(tiny_config, {'algorithm.class_weighting': 'paper'})

  def older(old):
    old['algorithm']['regulariser_weights'] = old['algorithm'].pop('class_weighting')
    old['schema'] = schema

  _remember(tmp_path, config, older)
  assert families.experiment(identity.content(tmp_path)) == config
  assert identity.changes(tmp_path, config) == []


def test_an_older_run_with_balanced_batches_is_another_method(tiny_config, tmp_path):
  def older(old):
    old['algorithm']['class_balanced_batches'] = True
    del old['algorithm']['lecam_weight']

  _remember(tmp_path, tiny_config, older)
  with pytest.raises(
    UserError, match=r'config \(algorithm.class_balanced_batches was True, is Non'
  ):
    identity.remember(tmp_path, tiny_config)


def test_older_lsun_without_a_choice_of_pictures_is_cropped(tmp_path):
  """Its run continues with centre_crop and differs from a run with squash."""
  config = module('lsun5_lt').get_config()
  cropped = resolved(changed(config, {'data.options.picture': 'centre_crop'}))

  def older(old):
    for section in (old, old['classifier'], old['annotator'], old['cas']):
      del section['data']['options']['picture']

  _remember(tmp_path, cropped, older)
  identity.check_unchanged(tmp_path, cropped)
  assert identity.content(tmp_path)['annotator']['data']['options']['picture'] == 'centre_crop'
  with pytest.raises(UserError, match="picture was 'centre_crop', is 'squash'"):
    identity.check_unchanged(tmp_path, resolved(config))


def test_another_kind_of_job_is_compared_field_by_field(tiny_config, tmp_path):
  identity.remember(tmp_path, tiny_codes())
  with pytest.raises(UserError, match=r'another config \(algorithm\..* and \d+ more'):
    identity.remember(tmp_path, tiny_config)
