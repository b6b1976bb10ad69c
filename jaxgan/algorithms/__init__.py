"""Training algorithms: a few pure functions over one pytree each."""
