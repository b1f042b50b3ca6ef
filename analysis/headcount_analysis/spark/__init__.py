"""Spark schedules and moves the work; Arrow computes.

A task reads a split of the topic, or compares a block of sequence numbers, and returns a small
value to the driver. It runs in a Python worker, with pyarrow and numpy, on files that it reads and
writes itself; nothing is shuffled. DataFrames serve three purposes: Structured Streaming while a
run is followed, the comparison of the state's accounts, and `headcount shell`.
"""
