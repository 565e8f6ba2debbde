"""The loop that iterative attacks run in: how an attack steps, the driver, what is tracked, and verification."""
