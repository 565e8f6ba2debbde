"""Defense plugins: input transforms and training recipes. The registry finds them by name."""
