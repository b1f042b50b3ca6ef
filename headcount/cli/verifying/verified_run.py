"""A verified run: judges a run that is over, or judges it again."""

import os
from typing import TYPE_CHECKING

from headcount_analysis.spark.jvm import begun_jvm

from headcount.cli.options.kafka_options import KafkaOptions
from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import platform
from headcount.cli.verifying.run_lock import run_lock
from headcount.cli.verifying.spark_config import session_config
from headcount.cli.verifying.verify_request import VerifyRequest, limits_of
from headcount.console import Console
from headcount.gc_control import permanent_objects
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest

if TYPE_CHECKING:
    from headcount_analysis.report.model import Report


def verified_run(
    folder: RunFolder,
    verify_options: VerifyOptions,
    bootstrap_servers: str | None,
    kafka_options: KafkaOptions,
    console: Console,
    *,
    until_latest: bool,
) -> "Report":
    """Judge a run by its ledger and its part of the topic. Raises HeadcountError.

    If `bootstrap_servers` is None, the brokers of the run are used.
    """
    limits_of(verify_options)
    request = VerifyRequest(
        folder,
        verify_options,
        bootstrap_servers,
        until_latest=until_latest,
        kafka=kafka_options.settings,
    )
    ready = platform({**os.environ, **kafka_options.environ}, console)
    manifest = folder.read_manifest()
    with run_lock(folder, console):
        folder.forget_verdict()
        events = None if until_latest else _events(folder, manifest)
        config = session_config(
            folder, verify_options, ready, events=events, ledger=manifest.ledger
        )
        with begun_jvm(config) as jvm:
            # This module loads slowly; the JVM starts meanwhile.
            with permanent_objects():
                from headcount.cli.verifying.verification import judge  # noqa: PLC0415

            return judge(request, ready, jvm=jvm)


def _events(folder: RunFolder, manifest: Manifest) -> int | None:
    """Estimate how many events a run has; None if its end was not recorded yet."""
    end = folder.read_end()
    if end is None:
        return None
    start = manifest.start_offsets
    return sum(offset - start.get(number, 0) for number, offset in end.end_offsets.items())
