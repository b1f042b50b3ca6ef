"""The benchmarks: most compare a part of Headcount with a peer in the same run.

    python -m bench --help

Absolute figures differ between machines; what counts is the ratio of two contenders that ran in
alternating rounds. No test asserts on a figure.
"""
