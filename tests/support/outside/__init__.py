"""A user's package: each module registers entries when it is imported."""
