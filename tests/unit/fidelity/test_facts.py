"""Functions against the numbers and formulas of papers and released code.

`facts.json` holds the numbers with their sources; settings of published rows are in
`settings.json`, see `test_settings`.
"""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_prep import long_tail, long_tail_mnist
from experiments import cifar10_lt, fashion_stability, joint_vae_sweep, lsun5_lt, rows
from jaxgan.algorithms import classifier, joint_vae
from jaxgan.algorithms.infogan_joint import side_kept
from jaxgan.augmentation import augment
from jaxgan.config.overrides import changed
from jaxgan.losses import class_balance, classification, contrastive, mutual_information
from jaxgan.networks.conditional import ConditionalBatchNorm
from jaxgan.report import classifiers
from jaxgan.report.published import published_values

_FILE = pathlib.Path(__file__).parent / 'facts.json'
FACTS = {
  name: fact['value'] for name, fact in json.loads(_FILE.read_text(encoding='utf-8')).items()
}


def test_every_fact_has_a_source_and_a_test():
  facts = json.loads(_FILE.read_text(encoding='utf-8'))
  text = pathlib.Path(__file__).read_text(encoding='utf-8')
  assert all(fact['source'] for fact in facts.values())
  assert [name for name in facts if f"FACTS['{name}']" not in text] == []


# ------------------------------------------------------------------------------- class balancing


def test_focal_loss_has_the_class_weight_inside():
  logits = jnp.zeros((1, 2))  # Probability 1/2.
  found = classification.focal(logits, jnp.array([1]), jnp.array([1.0, 2.0]), gamma=1.0)
  np.testing.assert_allclose(found, FACTS['focal_of_weight_2_probability_half'], rtol=1e-6)


def test_the_classifier_of_inaturalist_reads_normalised_images_of_224_pixels():
  config = rows.config_of('inaturalist2019.py').classifier.algorithm
  images = classifier._to_input(jnp.ones((1, 64, 64, 3)), config)
  assert images.shape == (1, 224, 224, 3)
  expected = np.broadcast_to(FACTS['inaturalist_white_pixel'], images.shape)
  np.testing.assert_allclose(images, expected, rtol=1e-5)


def test_the_first_cycle_does_not_count_an_absent_class_as_absent():
  config = cifar10_lt.get_config().algorithm
  start, found = jnp.array(config.count_start), jnp.array([config.cycle_start])
  after = class_balance.convex_update(start, found, config.count_decay)
  assert after == FACTS['absent_class_after_the_first_cycle']
  assert class_balance.convex_update(start, 0.0 * found, config.count_decay) == 25.0


def test_figures_3_and_6_are_commands():
  held = [cifar10_lt.get_config(f'ratio=1,counts={which}').algorithm for which in ('huge', 'tiny')]
  assert all(algorithm.count_update == 'held' for algorithm in held)
  assert [a.count_start[4] for a in held] == FACTS['held_counts_of_figure_3']
  short, default, long = FACTS['count_cycles_of_figure_6']
  assert cifar10_lt.get_config('ratio=10').algorithm.count_cycle == default
  for cycle in (short, long):
    assert f'--config.algorithm.count_cycle={cycle} ' in cifar10_lt.__doc__


def test_conditional_norm_starts_as_released():
  """For two constant images ±a, (x - μ) / σ is ±a / sqrt(a² + ε)."""
  a, norm = 0.01, ConditionalBatchNorm(num_classes=3)
  x = jnp.broadcast_to(jnp.array([a, -a]).reshape(2, 1, 1, 1), (2, 4, 4, 8))
  labels = jnp.array([0, 0])
  variables = norm.init(jax.random.key(0), x, labels, train=True)
  for leaf in jax.tree.leaves(variables['params']):
    np.testing.assert_allclose(leaf @ leaf.T, np.eye(3), atol=1e-5)
  y, _ = norm.apply(variables, x, labels, train=True, mutable=['batch_stats'])
  params = jax.tree.leaves(variables['params'])
  # The difference of both images does not depend on the bias.
  scale = a / np.sqrt(a**2 + FACTS['conditional_norm_epsilon'])
  difference = (y[0] - y[1])[0, 0] / (2 * scale)
  assert any(np.allclose(difference, 1 + leaf[0], atol=1e-5) for leaf in params)


def test_spectral_norm_has_the_released_epsilon():
  """A kernel of norm 1e-6 has products so small that ε dominates."""
  from flax import linen as nn

  from jaxgan.networks.layers import normaliser

  class Layer(nn.Module):
    @nn.compact
    def __call__(self, x):
      return normaliser(True, False)(nn.Dense(1, use_bias=False), x)

  x = jnp.ones((1, 1))
  variables = Layer().init(jax.random.key(0), x)
  params = jax.tree.map(lambda kernel: jnp.full_like(kernel, 1e-6), variables['params'])
  ones = jax.tree.map(jnp.ones_like, variables['batch_stats'])
  y = Layer().apply({'params': params, 'batch_stats': ones}, x)
  epsilon = FACTS['spectral_norm_epsilon']
  # With u = 1: v = w / sqrt(w² + ε²), and u likewise. σ = v w u, and w / σ is 2.4 instead of 1.
  v = 1e-6 / np.sqrt(1e-12 + epsilon**2)
  u = v * 1e-6 / np.sqrt((v * 1e-6) ** 2 + epsilon**2)
  np.testing.assert_allclose(abs(y), 1e-6 / (v * 1e-6 * abs(u)), rtol=1e-3)


def test_released_values_of_lsun():
  counts = FACTS['lsun_training_images_at_ratio_100']
  assert list(long_tail.class_counts(50_000, 5, 100)) == counts
  trained = [min(count, FACTS['released_reference_images_a_class']) for count in counts]
  assert trained[-2:] == [1581, 500]
  for ratio, weight in FACTS['released_lambda_of_lsun'].items():
    config = lsun5_lt.get_config(f'ratio={ratio},weights=released')
    assert config.algorithm.regulariser_weight == weight


def test_gamma_of_r3gan():
  switch = fashion_stability.SWITCHES['r1_r2_r3gan']
  ends = [switch['r1_r2_weight'], switch['r1_r2_end_weight']]
  assert ends == FACTS['r3gan_gamma_of_cifar10']


def test_published_accuracies_of_classifiers():
  for row, (in_the_loop, annotator) in FACTS['published_classifier_accuracies'].items():
    found = classifiers.classifier_accuracies(f'class_balancing_gan.{row}')
    assert found == {'classifier': in_the_loop, 'annotator': annotator}


# ------------------------------------------------------------------------------- Elastic-InfoGAN


def test_windows_of_augmentor():
  windows = augment.augmentor_crops(28, 28, 20)
  assert windows[20].tolist() == FACTS['augmentor_window_at_20_degrees']
  magnification = 28 / windows[:, ::-1]  # Of columns and rows.
  # 0 degrees are twice as likely, as they occur in both directions.
  mean = np.concatenate([magnification, magnification]).mean(axis=0)
  np.testing.assert_allclose(mean, FACTS['augmentor_mean_magnification'], atol=0.02)
  largest = magnification[19:].mean(axis=0)
  np.testing.assert_allclose(
    largest, FACTS['augmentor_magnification_at_19_to_20_degrees'], atol=0.03
  )


def test_joint_vae_has_the_capacities_of_dupont_and_the_weights_of_the_paper():
  config = rows.config_of('cars3d.py:method=joint_vae').algorithm
  found = joint_vae.capacities(config, config.capacity_steps, 10)
  np.testing.assert_allclose(found, FACTS['joint_vae_last_capacities_of_chairs'], rtol=1e-6)
  assert list(joint_vae_sweep.WEIGHTS) == FACTS['joint_vae_weights']


def test_positives_and_entropy():
  """Parallel views have cosine 1: -1/τ'. A uniform prior has H(c) = log k."""
  views = jnp.array([[3.0, 4.0], [0.0, 2.0]])
  np.testing.assert_allclose(contrastive.positive_cosine(views, 5 * views, 0.5), -2.0, rtol=1e-6)
  np.testing.assert_allclose(mutual_information.entropy(jnp.ones(10)), np.log(10), rtol=1e-6)


def test_a_crop_of_95_percent():
  config = rows.config_of('cars3d.py').algorithm
  assert side_kept(config) == 0.95
  config = changed(config, {'crop_of': 'area'})
  expected = FACTS['side_of_a_crop_of_95_percent_of_the_area']
  assert side_kept(config) == pytest.approx(expected, abs=1e-6)


def test_table_1_differs_from_tables_2_and_3():
  paper, _ = published_values('elastic_infogan')
  cells = {
    (method, measure): len([data for data in values if measure in values[data]])
    for method, values in paper['table_1'].items()
    for measure in ('nmi', 'ent')
  }
  of_joint_vae = sum(n for (method, _), n in cells.items() if method == 'joint_vae')
  found = {'joint_vae': of_joint_vae, 'others': sum(cells.values()) - of_joint_vae}
  assert found == FACTS['table_1_cells_that_tables_2_and_3_contradict']
  for method, values in paper['table_1'].items():
    for data, measures in values.items():
      assert all(paper[name][method][data][0] != value for name, value in measures.items())


def test_false_negatives_of_the_fifty_splits():
  """From the counts of all splits, with the standard deviation of the paper (ddof 0)."""
  counts = np.array([long_tail_mnist.split_counts(split) for split in range(50)])
  assert (counts.max(axis=1) <= FACTS['largest_mnist_class']).all()
  shares = counts / counts.sum(axis=1, keepdims=True)
  found = [float(contrastive.expected_false_negative_share(share)) for share in shares]
  mean, deviation = FACTS['false_negative_share_of_mnist']
  # Whole images per class give 0.1199.
  assert np.mean(found) == pytest.approx(mean, abs=0.001)
  assert np.std(found) == pytest.approx(deviation, abs=0.0005)
