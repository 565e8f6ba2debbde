"""Runs on disk: cells are measured, records are written, and the same command resumes."""
