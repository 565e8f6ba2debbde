"""Benchmarks of attacks: strength vs. cost, compared with a bare loop and peer libraries in the same process."""
