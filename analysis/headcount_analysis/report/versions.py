"""Versions of the software that made a run, from its manifest, and that verified it."""

import platform
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyspark

from headcount.run.manifest import Manifest


def versions(manifest: Manifest) -> Mapping[str, str]:
    """Return all known versions by name: those in the manifest, then the verifier's own."""
    return {
        "headcount": manifest.headcount_version,
        **manifest.versions,
        "spark": pyspark.__version__,
        "pandas": pd.__version__,
        "pyarrow": pa.__version__,
        "python of the verifier": platform.python_version(),
    }
