"""The daemon of Spark's Python workers."""

import subprocess
import sys

FAILED = r"""
import sys
import headcount_analysis.worker_daemon
import pyspark.daemon
pyspark.daemon.print("failed to flush:\nTraceback (most recent call last)", file=sys.stderr)
"""

CLOSED = r"""
import os, socket
import headcount_analysis.worker_daemon
import pyspark.daemon, pyspark.worker
os.environ["PYTHON_DAEMON_KILL_WORKER_ON_FLUSH_FAILURE"] = "1"
pyspark.worker.main = lambda _, outfile: outfile.write(b"a result")
ours, theirs = socket.socketpair()
theirs.close()
assert pyspark.daemon.worker(ours, True) == 1
"""


def test_a_worker_that_is_not_read_any_more_ends_without_a_traceback() -> None:
    """The JVM may stop before a worker has sent its result; the worker says so in one line."""
    command = [sys.executable, "-c", CLOSED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    (line,) = done.stderr.splitlines()
    assert line.endswith("the JVM closed its connection: [Errno 32] Broken pipe")


def test_a_connection_that_closes_leaves_no_traceback_in_the_log() -> None:
    """The JVM may stop while a worker ends; pyspark's message keeps its first line."""
    command = [sys.executable, "-c", FAILED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stderr == "failed to flush:\n"
