"""Experiments: their sections, facts, rules and plan, and running, sampling and exporting them."""
