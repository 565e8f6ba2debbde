"""The engine of iterative attacks: their hooks, the driver, tracking, and verification."""
