"""The daemon of Spark's Python workers: loads once what each of them needs, before it forks them.

Spark runs this module by its name, see `session.py`.
"""

from pyspark.daemon import manager

import analysis.blocks  # noqa: F401 - the workers find it loaded

if __name__ == "__main__":
    manager()
