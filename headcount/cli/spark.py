"""Spark, as a command's options have it: how it is started, and where its tables go."""

from analysis import object_store
from analysis.jvm import SessionConfig, suited_to
from analysis.tables import Tables
from headcount.cli.options import Judging
from headcount.cli.platform import Platform
from headcount.run import RunFolder


def session_config(
    folder: RunFolder,
    judging: Judging,
    ready: Platform,
    *,
    events: int | None = None,
    ledger: str | None = None,
) -> SessionConfig:
    """How Spark is started for so many events, many by default, and a ledger perhaps elsewhere."""
    is_remote = any(map(object_store.is_object_store, (ledger, judging.tables)))
    more_jars = ready.object_store_jars() if is_remote else ()
    more = object_store.settings(ready.environ) if is_remote else {}
    return SessionConfig(
        java_home=ready.java.home,
        connector_jars=(*ready.connector_jars, *more_jars),
        log_file=folder.logs / "spark.log",
        master=judging.spark_master,
        heap=judging.spark_heap,
        java_options=() if events is None else suited_to(events),
        settings={**more, **judging.spark_conf},
    )


def tables_of(folder: RunFolder, judging: Judging) -> Tables:
    """Where the tables of a run go."""
    shared = judging.tables
    return Tables(folder.path.absolute(), shared and f"{shared}/{folder.run_id}")
