"""A GAN method: a conditional GAN with a projection head, on class-balanced batches."""

import jaxgan
from jaxgan.algorithms.gan_methods import GanMethod

NAME = 'toy_balanced_cgan'
METHOD = GanMethod(labels='uniform', head='projection', batches='class_balanced')
jaxgan.register_method(NAME, METHOD)
