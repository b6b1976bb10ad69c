"""What a user adds from a package of their own: each module registers as it is imported."""
