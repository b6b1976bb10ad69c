"""Experiments: what is read of one, what is missing, doing it, and reading what is there."""
