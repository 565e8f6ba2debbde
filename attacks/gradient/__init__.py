"""Attacks that ascend the gradient of a loss inside a norm ball."""
