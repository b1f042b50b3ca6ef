"""The daemon of Spark's Python workers: imports their modules once, before it forks them.

Spark runs this module by name: see `spark.python.daemon.module` in `spark/config.py`.
"""

import sys

# Spark puts zip archives of pyspark first on the path, without byte code. The installed package is
# the same, and loads in half the time.
sys.path[:] = [entry for entry in sys.path if not entry.endswith(("pyspark.zip", "-src.zip"))]

from pyspark.daemon import manager  # noqa: E402 - after the path is set

import headcount_analysis.blocks.block_cache  # noqa: E402
import headcount_analysis.read.source  # noqa: E402, F401 - workers inherit both modules

if __name__ == "__main__":
    manager()
