"""TFDS builders that construct the long-tailed data sets."""
