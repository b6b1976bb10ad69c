"""Experiments: their sections, facts, rules and plan; execution, sampling and export."""
