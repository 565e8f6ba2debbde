"""Attack plugins: one file per attack from the literature. The registry finds them by name."""
