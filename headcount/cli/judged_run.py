"""A judged run: starts the parts, drives the load and judges what arrived."""

import contextlib
import os

from headcount_analysis.report.model import Report

from headcount.cli.load import drive
from headcount.cli.local_stack import start
from headcount.cli.locust_command import Load
from headcount.cli.metrics_export import exporting
from headcount.cli.options.kafka_options import KafkaOptions
from headcount.cli.platform import platform
from headcount.cli.seals import has_seal
from headcount.cli.verifying.follower import following
from headcount.cli.verifying.run_lock import run_lock
from headcount.cli.verifying.verification import judge
from headcount.cli.verifying.verify_request import VerifyRequest, limits_of
from headcount.console import Console
from headcount.errors import STOPPED, HeadcountError, InterruptedRunError
from headcount.kafka_settings import java
from headcount.run.folder import RunFolder
from headcount.stack.service import DATABASE_VARIABLE


def judged_run(
    load: Load, kafka: KafkaOptions, folder: RunFolder, console: Console, *, is_followed: bool
) -> Report:
    """Carry out a run in a new folder, and stop every part that it started.

    Raises:
        UsageError: An option, the scenario or the folder is invalid.
        PartError: A part cannot start, or died before there was anything to judge.
        InterruptedRunError: It was interrupted, and what was done can be judged.
    """
    try:
        return _judged_run(load, kafka, folder, console, is_followed=is_followed)
    except KeyboardInterrupt:
        if not _can_be_judged(folder):
            raise
        remedy = f"to judge what was recorded: headcount verify {folder.path}"
        raise InterruptedRunError(f"{STOPPED}; {remedy}") from None


def _can_be_judged(folder: RunFolder) -> bool:
    try:
        return has_seal(folder)
    except (HeadcountError, OSError):
        return False


def _judged_run(
    load: Load, kafka: KafkaOptions, folder: RunFolder, console: Console, *, is_followed: bool
) -> Report:
    verify_options = load.verify_options
    settings = kafka.settings
    limits_of(verify_options)  # reports a mistake in --allow before the load, not after
    if is_followed:
        java.check_supported(settings)
    folder.create()
    environ = {**os.environ, **kafka.environ}
    if verify_options.database_url is not None:
        # A service that is started keeps its state there, too.
        environ[DATABASE_VARIABLE] = verify_options.database_url
    ready = platform(environ, console)
    with contextlib.ExitStack() as stack:
        stack.enter_context(run_lock(folder, console))
        stack.enter_context(exporting(folder, load.export, ready.environ, console))
        target = start(stack, load.target_options, settings, ready, folder.path)
        cluster = target.cluster
        follower = None
        if is_followed:
            follower = stack.enter_context(
                following(folder, verify_options, load.ledger, cluster, ready)
            )
        drive(load, target, folder, ready, follower)
        request = VerifyRequest(
            folder,
            verify_options,
            cluster.bootstrap_servers,
            database_url=target.database_url,
            kafka=cluster.settings,
        )
        return judge(request, ready, follower)
