"""jaxgan: generative models for class-imbalanced images, in JAX and Flax."""
