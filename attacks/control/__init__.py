"""Controls: what random perturbations of the same budget achieve."""
