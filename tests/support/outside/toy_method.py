"""A GAN method: labels that the discriminator judges, and batches with every class alike."""

from jaxgan.algorithms.gan_methods import METHODS, GanMethod

NAME = 'toy_balanced_cgan'
METHODS.register(NAME, GanMethod(labels='uniform', head='projection', batches='class_balanced'))
