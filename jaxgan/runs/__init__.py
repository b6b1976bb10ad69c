"""Experiments: what one is, and what its sections must satisfy together."""
