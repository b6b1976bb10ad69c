"""Augmentations: random views of images, and DiffAugment for the discriminator.

    from jaxgan import augmentation
    views = augmentation.random_view(rngs, images, max_degrees=10.0)

The function of the module `diff_augment` is `augmentation.diff_augment.diff_augment`.
"""

from jaxgan.augmentation import diff_augment
from jaxgan.augmentation.augment import (
  random_affine,
  random_crop,
  random_flip,
  random_gamma,
  random_view,
)

__all__ = [
  'diff_augment',
  'random_affine',
  'random_crop',
  'random_flip',
  'random_gamma',
  'random_view',
]
