"""Clusters of the real parts, as on several machines: each part is a process on loopback."""
