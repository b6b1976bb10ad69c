"""A user's package: each module registers one part of an experiment when it is imported.

docs/architecture.md shows these files as examples.
"""
