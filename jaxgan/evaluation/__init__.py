"""Evaluation: measures trained states and writes their records."""
