"""Network definitions in Flax linen, one family per file."""
