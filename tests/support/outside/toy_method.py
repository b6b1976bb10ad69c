"""A GAN method: a conditional GAN with a projection head, on class-balanced batches."""

from jaxgan.algorithms.gan_methods import METHODS, GanMethod

NAME = 'toy_balanced_cgan'
METHODS.register(NAME, GanMethod(labels='uniform', head='projection', batches='class_balanced'))
