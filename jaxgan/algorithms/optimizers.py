"""What optimisers are configured by."""

from jaxgan.config.section import Decay, Dtype, Positive, Section, field


class AdamConfig(Section):
  """Adam, and the type that networks compute in."""

  learning_rate: Positive = field(2e-4, "Adam's learning rate")
  beta1: Decay = field(0.5, 'decay of the mean of gradients')
  beta2: Decay = field(0.999, 'decay of the mean of their squares')
  epsilon: Positive = field(1e-8, 'added to the root of the mean square')
  dtype: Dtype = field('float32', 'type of computation; parameters are float32')
