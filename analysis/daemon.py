"""The daemon of Spark's Python workers: loads once what each of them needs, before it forks them.

Spark runs this module by its name, see `session.py`.
"""

from pyspark.daemon import manager

import analysis.blocks
import analysis.source  # noqa: F401 - the workers find both loaded

if __name__ == "__main__":
    manager()
