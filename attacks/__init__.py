"""Attack plugins. Each file is one attack of the literature; the registry finds them by name."""
