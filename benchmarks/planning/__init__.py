"""What will run: suites, plans, cells, the checks of what was given, and the manifest that says it."""
