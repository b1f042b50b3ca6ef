"""The end of a run inside Locust: sealing, verification, and the exit code."""
