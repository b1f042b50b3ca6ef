"""The daemon of Spark's Python workers."""

import subprocess
import sys

FAILED = r"""
import sys
import headcount_analysis.worker_daemon
import pyspark.daemon
pyspark.daemon.print("failed to flush:\nTraceback (most recent call last)", file=sys.stderr)
"""


def test_a_connection_that_closes_leaves_no_traceback_in_the_log() -> None:
    """The JVM may stop while a worker ends; pyspark's message keeps its first line."""
    command = [sys.executable, "-c", FAILED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stderr == "failed to flush:\n"
