"""Network definitions in Flax linen, one family a file."""
