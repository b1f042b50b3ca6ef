"""Versions: what a run was made with, as its manifest says, and what has judged it."""

import platform
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyspark

from headcount.run.manifest import Manifest


def versions(manifest: Manifest) -> Mapping[str, str]:
    """Name what is known: first what made the run, then what is at work here."""
    return {
        "headcount": manifest.headcount_version,
        **manifest.versions,
        "spark": pyspark.__version__,
        "pandas": pd.__version__,
        "pyarrow": pa.__version__,
        "python of the verifier": platform.python_version(),
    }
