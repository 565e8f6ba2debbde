"""The benchmark harness: suites, runs, records, statistics, gates and reports."""
