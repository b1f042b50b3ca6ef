"""End to end: the commands, on the real parts."""
