"""From records to flags, estimates and gates."""
