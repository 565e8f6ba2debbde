"""Other libraries' attacks under robustkit's threats, verification and records."""
