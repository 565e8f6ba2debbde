"""Attacks that see the logits and no gradient."""
