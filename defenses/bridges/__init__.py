"""Other libraries' defenses as robustkit's."""
