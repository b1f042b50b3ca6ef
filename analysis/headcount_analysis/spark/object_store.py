"""How Spark reaches the object store, for which Hadoop writes `s3a://` in place of `s3://`.

Spark and pyarrow read the same standard environment variables. Spark itself passes keys on to
executors; they are never among its settings, because process lists show settings.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from headcount_analysis.spark.config import local_url

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
ANY_REGION = "us-east-1"
"""The region used to sign requests to a store that is not Amazon's; such a store accepts any."""


def is_object_store(location: str | None) -> bool:
    """Whether Spark needs jars that it does not ship to reach a location."""
    return location is not None and location.startswith("s3://")


def spark_url(location: str) -> str:
    """Convert a path or a URL to the form that Spark reads."""
    if "://" not in location:
        return local_url(Path(location))
    return f"s3a{location[2:]}" if is_object_store(location) else location


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Make Spark's settings for the object store that the environment names."""
    region = next((environ[name] for name in REGION_VARIABLES if environ.get(name)), None)
    endpoint = next((environ[name] for name in ENDPOINT_VARIABLES if environ.get(name)), None)
    chosen = {}
    if endpoint is not None:
        region = region or ANY_REGION
        chosen = {
            "endpoint": endpoint,
            # A self-hosted store seldom has a host name for each bucket.
            "path.style.access": "true",
            "connection.ssl.enabled": str(urlsplit(endpoint).scheme != "http").lower(),
        }
    if region is not None:
        chosen["endpoint.region"] = region
    return {f"spark.hadoop.fs.s3a.{name}": value for name, value in chosen.items()}
