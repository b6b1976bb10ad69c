"""Experiment configurations: one file a published row or example."""
