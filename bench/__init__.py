"""The benchmarks: each measures a part of Headcount beside a peer in the same run.

    python -m bench overhead|service|reconcile|all

Absolute figures drift from machine to machine; what counts is the ratio of two that were taken in
turn. Nothing here is a test, and no test waits for a figure of it.
"""
