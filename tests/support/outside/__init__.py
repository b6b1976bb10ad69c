"""A user's package: each module registers one part of an experiment when it is imported.

docs/plug_in.md shows these files as examples.
"""
