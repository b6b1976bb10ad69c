"""Measurements of speed; run as `python -m benchmarks.step_time`."""
