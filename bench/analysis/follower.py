"""Follows a generated run almost to its end, then judges it.

    python -m bench.analysis.follower RUN_FOLDER

It prints its progress at the end of the run and the time from there to the verdict, as JSON. A
generated run has all its events from the start, so the follower reads them in batches.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from headcount_analysis.batches.expected import plain_json
from headcount_analysis.follow import topic_stream
from headcount_analysis.follow.run_follower import RunFollower, follow, forget
from headcount_analysis.ledger.run_ledger import ledger_parts
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.spark.session import open_session, sql
from headcount_analysis.spark.tables import Tables
from pyspark import SparkContext

from headcount.cli.options.spark_options import SPARK_HEAP
from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import platform
from headcount.cli.verifying.spark_config import session_config
from headcount.console import Console
from headcount.errors import PartError
from headcount.kafka.cluster import Cluster
from headcount.run.default_times import LATE_AFTER_MS
from headcount.run.folder import RunFolder

BATCHES, MIN_BATCH = 50, 200
"""The number of batches of a run, and the minimum number of messages in one."""

SETTLED_AFTER_S = 1.0
POLL_S = 0.1


@contextlib.contextmanager
def followed(folder: RunFolder, spark: SparkContext) -> Iterator[RunFollower]:
    """Follow a run until at most one batch is left, and its blocks are compared."""
    manifest, end = folder.read_manifest(), folder.read_end()
    assert end is not None, "a generated run has an end"
    events = sum(end.end_offsets.values())
    tables = Tables(folder.path.absolute())
    follower = follow(folder, manifest, LATE_AFTER_MS, tables, plain_json())
    follower.settled.after_s = SETTLED_AFTER_S
    batch = max(MIN_BATCH, events // BATCHES)
    servers = manifest.bootstrap_servers
    query = topic_stream.begin(
        sql(spark),
        Cluster(servers),
        manifest,
        follower.take,
        follower.checkpoint,
        every_s=0,
        most_offsets=batch,
    )
    try:
        while follower.messages < events - batch:
            if (error := query.exception()) is not None:
                raise PartError(str(error))
            follower.advance(spark)
            time.sleep(POLL_S)
        follower.advance(spark)
        time.sleep(SETTLED_AFTER_S)
        follower.advance(spark)
        yield follower
    finally:
        query.stop()


def main(path: Path) -> dict[str, float]:
    """Follow and judge a run; return the figures."""
    folder = RunFolder(path)
    ready = platform(dict(os.environ), Console(quiet=True))
    with open_session(
        session_config(folder, VerifyOptions("local[*]", SPARK_HEAP), ready)
    ) as spark:
        manifest, end = folder.read_manifest(), folder.read_end()
        assert end is not None
        with followed(folder, spark) as follower:
            began_s = time.monotonic()
            cache = follower.end()
        messages, blocks = follower.messages, follower.blocks
        parts = ledger_parts(folder, manifest, cache.ledger)
        plan = VerificationPlan(folder, manifest, end, parts)
        verify(plan, Tools.of(plan, spark), cache)
        seconds = time.monotonic() - began_s
    forget(folder)
    return {"messages": messages, "blocks": blocks, "seconds": seconds}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))) + "\n")
