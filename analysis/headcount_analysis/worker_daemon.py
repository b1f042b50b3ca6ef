"""The daemon of Spark's Python workers: imports their modules once, before it forks them.

Spark runs this module by name: see `spark.python.daemon.module` in `spark/config.py`.
"""

import socket
import sys
from typing import TextIO

# Spark puts zip archives of pyspark first on the path, without byte code. The installed package is
# the same, and loads in half the time.
sys.path[:] = [entry for entry in sys.path if not entry.endswith(("pyspark.zip", "-src.zip"))]

import pyspark.daemon  # noqa: E402 - after the path is set

import headcount_analysis.blocks.block_cache  # noqa: E402
import headcount_analysis.read.source  # noqa: E402, F401 - workers inherit both modules


def _print(message: str, file: TextIO) -> None:
    """Print the first line alone: a JVM that stops while a worker ends needs no traceback."""
    file.write(message.partition("\n")[0] + "\n")


_run_worker = pyspark.daemon.worker


def _worker(sock: socket.socket, authenticated: bool) -> int:
    """Run a worker; end it without a traceback if the JVM has closed the connection."""
    try:
        return _run_worker(sock, authenticated)
    except ConnectionError as error:
        _print(f"a worker exits, because the JVM closed its connection: {error}", sys.stderr)
        return 1


pyspark.daemon.worker = _worker
pyspark.daemon.print = _print  # type: ignore[attr-defined] # it prints only what went wrong

if __name__ == "__main__":
    pyspark.daemon.manager()
