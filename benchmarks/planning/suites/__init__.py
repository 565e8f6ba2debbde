"""Suites: which attacks answer which threat, as TOML files."""
