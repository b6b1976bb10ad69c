"""Losses: pure functions from a batch to a scalar."""
