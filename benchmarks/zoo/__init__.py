"""Networks on which the suites are designed and judged, ordinary and masked; made by one command, and not part of the package."""
