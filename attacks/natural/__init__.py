"""Changes that happen without an adversary, searched for the worst."""
