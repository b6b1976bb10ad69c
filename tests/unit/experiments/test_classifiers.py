"""The classifiers of the experiments have the published losses, checkpoints and inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.config.overrides import changed
from jaxgan.losses import class_balance
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved
from tests.support.experiment_names import EXPERIMENTS, module

ROLES = ('classifier', 'annotator', 'cas')
# Experiment, argument -> the roles with the focal loss; all others have the cross-entropy.
FOCAL = {
  ('cifar10_lt', ''): ('classifier', 'annotator'),
  ('cifar10_lt', 'ratio=1,method=cgan'): ('classifier', 'annotator'),
  ('cifar10_lt', 'classifier=few_labels'): ('annotator',),
  ('cifar10_lt', 'classifier=ratio_1000'): ('annotator',),
  ('lsun5_lt', 'ratio=10'): ('classifier', 'annotator'),
  ('lsun5_lt', 'classifier=few_labels'): ('annotator',),
}


@pytest.mark.parametrize(
  ('name', 'argument'),
  sorted({*FOCAL, *((name, '') for name in EXPERIMENTS if name != 'lsun5_lt')}),
)
def test_focal_loss_and_best_checkpoint_are_those_of_cifar10_and_lsun(name, argument):
  config = module(name).get_config(argument)
  focal = FOCAL.get((name, argument), ())
  for role in ROLES:
    section = getattr(config, role)
    if section is None:
      continue
    expected = ('focal', 'best') if role in focal else ('cross_entropy', 'latest')
    assert (section.algorithm.loss, getattr(section, 'checkpoint', 'latest')) == expected, role
    assert section.algorithm.focal_gamma == 1.0
    # The score's own classifier cannot be chosen by the images of the score.
    assert hasattr(section, 'checkpoint') == (role != 'cas')


@pytest.mark.parametrize('argument', ['ratio=100', 'ratio=10', 'ratio=1'])
@pytest.mark.parametrize('name', ['cifar10_lt', 'lsun5_lt'])
def test_the_best_epoch_is_taken_from_all_of_them(name, argument):
  config = module(name).get_config(argument)
  for section in (config.classifier, config.annotator):
    assert section.train.evaluate_every is None
    assert section.algorithm.drw_epoch == (160 if section is config.classifier else None)


@pytest.mark.parametrize('argument', ['', 'classifier=large'])
def test_inaturalist_reads_224_pixels_and_is_its_own_annotator(argument):
  config = module('inaturalist2019').get_config(argument)
  rules.check_sections(resolved(config), num_devices=1)
  config = resolved(changed(config, {'data.source': 'images', 'data.data_dir': 'prepared'}))
  own = config.classifier.algorithm
  assert (own.network, own.depth, own.input_size) == ('resnet', 32, 224)
  assert (own.input_mean, own.input_std) == ((0.466, 0.471, 0.38), (0.195, 0.194, 0.192))
  assert config.classifier == config.annotator
  data = config.classifier.data
  expected = ('inaturalist2019/224', True) if argument else ('inaturalist2019', None)
  assert (data.dataset, data.streaming) == expected
  assert (data.source, data.crop_padding, data.flip) == ('images', 14 if argument else 4, True)
  # The GAN, and the classifier of generated images, have 64 pixels.
  assert config.data.dataset == config.cas.data.dataset == 'inaturalist2019'
  assert config.cas.algorithm.input_size is None
  assert config.workdir == f'runs/inaturalist2019{"_classifier_large" if argument else ""}'
  counts = config.algorithm
  assert (counts.count_update, counts.count_decay, counts.count_cycle) == ('convex', 0.995, 1)


def test_convex_counts_of_inaturalist_settle_at_their_floor():
  """As the docstring of the experiment says; with summed counts, N differs between classes."""
  classes, batch, steps = 1010, 256, 3000
  multiples = np.array([0.5, 1.0, 2.0, 8.0])
  shares = np.full(classes, (1 - multiples.sum() / classes) / (classes - len(multiples)))
  shares[: len(multiples)] = multiples / classes
  draws = np.random.default_rng(0).multinomial(batch, shares, size=steps).astype(np.float32)

  @jax.jit
  def run(draws):
    def step(counts, drawn):
      updates = class_balance.convex_update, class_balance.additive_update
      counts = jnp.stack([f(n, drawn, 0.995) for f, n in zip(updates, counts, strict=True)])
      return counts, counts

    return jax.lax.scan(step, jnp.full((2, classes), 50.0), draws)[1]

  convex, additive = np.asarray(run(draws)).swapaxes(0, 1)
  arrived = (convex[:, len(multiples) :] <= 1.0).argmax(axis=0) + 1
  assert 820 < np.median(arrived) < 850
  mean = convex[2000:].mean(axis=0)
  np.testing.assert_allclose(mean[:3], 1.0, atol=0.02)
  np.testing.assert_allclose(mean[3], 8 * batch / classes, rtol=0.15)
  np.testing.assert_allclose(additive[2000:].mean(axis=0)[:4], multiples * 50.7, rtol=0.15)


def test_youtube_faces_with_the_annotator_of_vggface2():
  scratch, pretrained = (
    module('youtube_faces').get_config(argument) for argument in ('', 'annotator=vggface2')
  )
  assert scratch.annotator.algorithm.network == 'resnet50'
  own = pretrained.annotator.algorithm
  rules.check_sections(resolved(pretrained), num_devices=1)
  assert (own.network, own.weights, own.input_size) == ('resnet50_vggface2', '', 224)
  assert pretrained.workdir == 'runs/youtube_faces_vggface2'
  assert pretrained.annotator.data == scratch.annotator.data
  others = {'annotator', 'experiment', 'workdir'}
  assert scratch.model_dump(exclude=others) == pretrained.model_dump(exclude=others)
