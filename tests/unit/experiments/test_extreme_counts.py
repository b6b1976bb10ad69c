"""Fig. 3: held counts move the share of a class in the expected direction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import cifar10_lt, fashion_extreme_counts
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.losses import class_balance
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved


@pytest.mark.parametrize(('count', 'low', 'high'), [('huge', 0, 0.01), ('tiny', 0.3, 1)])
def test_the_regulariser_alone_moves_the_share_as_the_figure_says(count, low, high):
  counts = fashion_extreme_counts.get_config(f'count={count}').algorithm.count_start
  weights = class_balance.class_weights(jnp.array(counts))
  loss = jax.jit(
    jax.grad(lambda logits: class_balance.weighted_entropy(jax.nn.softmax(logits), weights))
  )
  logits = jnp.zeros(10)
  for _ in range(2000):
    logits -= 0.3 * loss(logits)
  share = jax.nn.softmax(logits)[fashion_extreme_counts.HELD_CLASS]
  assert low <= share <= high
  others = np.delete(jax.nn.softmax(logits), fashion_extreme_counts.HELD_CLASS)
  np.testing.assert_allclose(others, others[0], rtol=1e-4)


@pytest.mark.parametrize(('counts', 'held'), [('huge', 1e8), ('tiny', 1.0)])
def test_counts_of_the_figure_are_held_on_balanced_cifar10(counts, held):
  learned, config = (
    cifar10_lt.get_config(f'ratio=1{argument}') for argument in ('', f',counts={counts}')
  )
  rules.check_sections(resolved(config), num_devices=1)
  assert config.algorithm.count_start == (50.0,) * 4 + (held,) + (50.0,) * 5
  assert config.algorithm.count_update == 'held'
  assert not config.published
  assert config.workdir == f'runs/cifar10_lt_ratio_1_counts_{counts}'
  config = changed(config, {'algorithm.count_start': (50.0,), 'algorithm.count_update': 'convex'})
  assert config.algorithm == learned.algorithm


def test_a_method_without_counts_holds_none():
  with pytest.raises(
    UserError, match='expected method=class_balancing, because cgan has no counts'
  ):
    cifar10_lt.get_config('ratio=1,method=cgan,counts=huge')
