"""The benchmark of a run's HTML report in a browser."""
