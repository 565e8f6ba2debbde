"""Controls: random perturbations within the same budget."""
