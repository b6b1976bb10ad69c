"""Evaluation metrics: pure functions of features and counts."""
