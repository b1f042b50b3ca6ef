"""Java for the local stack: the runtime, its jars, archives and certificates."""
