"""An object store for a test: moto's implementation of Amazon's S3, on loopback."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow.fs as pafs

from headcount.stack.ports import free_port
from headcount.stack.process import Process, wait_until

HOST = "127.0.0.1"
BUCKET = "headcount"
START_DEADLINE_S = 120.0


@contextlib.contextmanager
def object_store(folder: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a store with a bucket for the block; yield the environment variables to reach it."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    log = folder / "object-store.log"
    with Process("the object store", command, log_path=log, environ=environ) as store:
        wait_until(lambda: store.listens_on(port), START_DEADLINE_S, "the store listens", store)
        variables = {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_ACCESS_KEY_ID": "a-key",
            "AWS_SECRET_ACCESS_KEY": "not-to-be-seen",
            "AWS_REGION": "eu-central-1",
        }
        opened(variables).create_dir(BUCKET)
        yield variables


def opened(variables: Mapping[str, str]) -> pafs.S3FileSystem:
    """Connect to the store."""
    return pafs.S3FileSystem(
        endpoint_override=variables["AWS_ENDPOINT_URL"],
        access_key=variables["AWS_ACCESS_KEY_ID"],
        secret_key=variables["AWS_SECRET_ACCESS_KEY"],
        region=variables["AWS_REGION"],
        allow_bucket_creation=True,
    )
