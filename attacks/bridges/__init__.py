"""Attacks of other libraries, run with robustkit's threats, verification and records."""
