"""Preparation of the data sets with TFDS."""
