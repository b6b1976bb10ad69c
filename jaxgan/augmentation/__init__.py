"""Augmentations: random views of images, and DiffAugment for the discriminator."""
