"""The object store, as Spark reaches it: `s3://` is Hadoop's `s3a://`.

Both sides take the same standard environment variables. Spark itself hands keys on to executors;
they are never put among its settings, which a list of processes shows.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from headcount_analysis.spark.jvm import local_url

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
ANY_REGION = "us-east-1"
"""What a store that is not Amazon's takes for a region; requests are signed for one."""


def is_object_store(location: str | None) -> bool:
    """Tell whether Spark needs more than it ships to reach a location."""
    return location is not None and location.startswith("s3://")


def spark_url(location: str) -> str:
    """Name a path or a URL to Spark."""
    if "://" not in location:
        return local_url(Path(location))
    return f"s3a{location[2:]}" if is_object_store(location) else location


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Give Spark's settings for the object store that the environment names."""
    region = next((environ[name] for name in REGION_VARIABLES if environ.get(name)), None)
    endpoint = next((environ[name] for name in ENDPOINT_VARIABLES if environ.get(name)), None)
    chosen = {}
    if endpoint is not None:
        region = region or ANY_REGION
        chosen = {
            "endpoint": endpoint,
            # One of a site's own seldom has a name for each bucket.
            "path.style.access": "true",
            "connection.ssl.enabled": str(urlsplit(endpoint).scheme != "http").lower(),
        }
    if region is not None:
        chosen["endpoint.region"] = region
    return {f"spark.hadoop.fs.s3a.{name}": value for name, value in chosen.items()}
