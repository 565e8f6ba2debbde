"""Worst-case search over natural image transformations."""
