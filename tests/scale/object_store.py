"""An object store of a test's own: Amazon's S3 as moto has it, on loopback."""

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
    """Run a store with a bucket until the block ends; gives the variables to reach it by."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    log = folder / "object-store.log"
    with Process("the object store", command, log_path=log, environ=environ) as store:
        wait_until(lambda: store.listens_on(port), START_DEADLINE_S, "the store listens", store)
        reached = {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_ACCESS_KEY_ID": "a-key",
            "AWS_SECRET_ACCESS_KEY": "not-to-be-seen",
            "AWS_REGION": "eu-central-1",
        }
        opened(reached).create_dir(BUCKET)
        yield reached


def opened(reached: Mapping[str, str]) -> pafs.S3FileSystem:
    """Look into the store."""
    return pafs.S3FileSystem(
        endpoint_override=reached["AWS_ENDPOINT_URL"],
        access_key=reached["AWS_ACCESS_KEY_ID"],
        secret_key=reached["AWS_SECRET_ACCESS_KEY"],
        region=reached["AWS_REGION"],
        allow_bucket_creation=True,
    )
