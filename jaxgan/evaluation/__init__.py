"""Evaluation: what is measured of a trained state, and the record that it leaves."""
