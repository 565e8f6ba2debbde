"""One perturbation for many images."""
