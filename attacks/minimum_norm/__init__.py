"""Attacks that look for the nearest adversarial image, whatever its distance."""
