"""Attacks that see the predicted class alone."""
