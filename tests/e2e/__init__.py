"""End-to-end tests: the commands with the real parts."""
