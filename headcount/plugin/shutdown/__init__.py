"""The end of a run inside Locust: sealed, judged, and ended with the right exit code."""
