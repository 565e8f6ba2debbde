"""Defense plugins: preprocessors and training recipes. The registry finds them by name."""
