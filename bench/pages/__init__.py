"""The documentation pages written from the measurements."""
