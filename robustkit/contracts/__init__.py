"""The contracts between the parts of robustkit, one per file."""
