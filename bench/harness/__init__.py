"""Shared by all benchmarks: started processes, statistics, targets and results."""
