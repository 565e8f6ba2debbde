"""Training recipes that make a model robust."""
