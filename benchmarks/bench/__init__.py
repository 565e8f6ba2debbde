"""Attacks side by side: strength against cost, and against a bare loop and the peer libraries in the same process."""
