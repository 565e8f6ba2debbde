"""Attacks that minimise the distance of the adversarial image."""
