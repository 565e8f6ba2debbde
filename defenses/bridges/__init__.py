"""Defenses of other libraries."""
