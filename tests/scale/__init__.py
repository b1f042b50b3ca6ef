"""More than one machine's worth: clusters of the real engines, each part a process on loopback."""
