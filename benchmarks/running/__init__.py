"""Runs on disk: cells are measured sample by sample, records written, and the same command resumes."""
