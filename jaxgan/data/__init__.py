"""Data: prepared splits, and the batch of every step as a function of seed and step."""
