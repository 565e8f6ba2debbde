"""What the parts of robustkit agree on, one contract a file."""
