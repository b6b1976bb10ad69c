"""Experiments: what one is, what is read of it, what is missing, doing it."""
