"""The daemon of Spark's Python workers: imports what they all need once, before it forks them.

Spark runs this module by its name, see `spark.python.daemon.module` in `config.py`.
"""

import sys

# Spark puts archives of its Python part first, which hold no byte code. The installed package is
# the same, and loads in half of the time.
sys.path[:] = [entry for entry in sys.path if not entry.endswith(("pyspark.zip", "-src.zip"))]

from pyspark.daemon import manager  # noqa: E402 - after the path is set

import headcount_analysis.compare_run.block_cache  # noqa: E402
import headcount_analysis.read.source  # noqa: E402, F401 - workers find both imported

if __name__ == "__main__":
    manager()
