"""Spark's configuration for a command: how it is started, and where its tables go."""

from collections.abc import Sequence
from pathlib import Path

from headcount_analysis.spark import object_store
from headcount_analysis.spark.config import SessionConfig, suited_to
from headcount_analysis.spark.jvm import class_path_files
from headcount_analysis.spark.tables import Tables

from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import Platform
from headcount.kafka_settings import java
from headcount.kafka_settings.config_file import from_environment
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.compilation_flags import LONG_WORK

_OWN_COMMAND = {"spark.driver.extraJavaOptions", "spark.driver.extraClassPath"}
"""These settings change the JVM's command line, so its class data would fit no other JVM."""


def session_config(
    folder: RunFolder,
    verify_options: VerifyOptions,
    ready: Platform,
    *,
    events: int | None = None,
    ledger: str | None = None,
) -> SessionConfig:
    """Return Spark's configuration for a number of events (None: many) and a ledger's location."""
    is_remote = any(map(object_store.is_object_store, (ledger, verify_options.tables)))
    more_jars = ready.object_store_jars() if is_remote else ()
    jars = (*ready.connector_jars, *more_jars)
    more = object_store.settings(ready.environ) if is_remote else {}
    for_kafka = java.jvm_options(from_environment(ready.environ))
    return SessionConfig(
        java_home=ready.java.home,
        connector_jars=jars,
        log_file=folder.logs / "spark.log",
        master=verify_options.spark_master,
        heap=verify_options.spark_heap,
        java_options=(*(LONG_WORK if events is None else suited_to(events)), *for_kafka),
        class_data=None
        if _OWN_COMMAND & verify_options.spark_conf.keys()
        else class_data(ready, jars),
        settings={**more, **verify_options.spark_conf},
    )


def class_data(ready: Platform, jars: Sequence[Path]) -> ClassData:
    """Return the place of the class data for this Java and Spark with these jars."""
    cache = cache_folder(ready.environ)
    return ClassData.of(cache, ready.java.home, (*class_path_files(), *jars), ready.console.step)


def tables_of(folder: RunFolder, manifest: Manifest, verify_options: VerifyOptions) -> Tables:
    """Return the place of a run's tables."""
    shared = verify_options.tables
    return Tables(folder.path.absolute(), shared and f"{shared}/{folder.shared_name(manifest.tag)}")
