"""The configuration of Spark: the options of a session, and Spark's settings for it.

Spark schedules and moves the work; Arrow computes. So most SQL tuning is left at its defaults: a
run is read and compared in Python workers, by numpy and pyarrow, and almost nothing is shuffled
(`read/source.py`, `spark/executors.py`). Only the state's accounts are joined by SQL.

Nothing here imports pyspark, so that the JVM can start while pyspark is being imported.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.compilation_flags import LONG_WORK, QUICK_START

LOOPBACK = "127.0.0.1"
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")

_COLLECTOR = "-XX:+UseParallelGC"
"""Keeps the heap small; G1 would let it grow to its limit. Long pauses do no harm here."""

FEW_EVENTS = 3_000_000
"""Up to this many events, a quick start matters more than compiled code."""


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """The configuration of a session; `heap` is a size in the JVM's notation, such as `1400m`."""

    java_home: Path
    connector_jars: Sequence[Path]
    log_file: Path
    heap: str
    master: str = "local[*]"
    shuffle_partitions: int = 8
    scratch: Path | None = None
    """The parent of the scratch folder; by default the system's folder for temporary files."""
    java_options: Sequence[str] = ()
    """Further options of the JVM; see `suited_to`."""
    class_data: ClassData | None = None
    """An archive of class data, which makes the start quicker."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The user's Spark settings, which override those made here."""

    @property
    def is_local(self) -> bool:
        """Whether executors run in the driver's own JVM."""
        return self.master.startswith("local")


def suited_to(events: int) -> tuple[str, ...]:
    """Choose the JVM's options for a number of events."""
    return QUICK_START if events <= FEW_EVENTS else LONG_WORK


def settings(
    config: SessionConfig, scratch: Path, sockets: Path, class_data: Sequence[str] = ()
) -> dict[str, str]:
    """Make Spark's settings for a session; only the driver gets the options for class data."""
    jars = [str(jar) for jar in config.connector_jars]
    chosen = {
        "spark.app.name": "headcount",
        "spark.master": config.master,
        "spark.driver.memory": config.heap,
        "spark.driver.extraJavaOptions": _java_options(config, scratch, class_data),
        "spark.driver.extraClassPath": os.pathsep.join(jars),
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.warehouse.dir": local_url(scratch / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(config.shuffle_partitions),
        "spark.sql.execution.arrow.pyspark.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
        "spark.sql.execution.arrow.maxBytesPerBatch": "32m",
        "spark.python.daemon.module": "headcount_analysis.worker_daemon",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    }
    chosen |= socket_settings(sockets)
    if config.is_local:
        chosen |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    else:
        chosen["spark.jars"] = ",".join(jars)
        chosen["spark.executor.extraJavaOptions"] = " ".join(config.java_options)
    chosen |= config.settings
    return {key: value for key, value in chosen.items() if value}


def socket_settings(sockets: Path) -> dict[str, str]:
    """Let pyspark listen on localhost or, if that name does not resolve, on Unix sockets."""
    if _localhost_resolves():
        return {}
    return {
        "spark.python.unix.domain.socket.enabled": "true",
        "spark.python.unix.domain.socket.dir": str(sockets),
    }


def local_url(path: Path) -> str:
    """Write a local path as a URL for Spark, which does not decode percent signs."""
    return f"file://{path.absolute()}"


def _java_options(config: SessionConfig, scratch: Path, class_data: Sequence[str]) -> str:
    options = [
        f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
        f"-Dheadcount.log={config.log_file.absolute()}",
        f"-Djava.io.tmpdir={scratch}",
        _COLLECTOR,
        *config.java_options,
        *class_data,
    ]
    return " ".join(map(_quoted, options))


def _quoted(option: str) -> str:
    """Quote an option, so that Spark's launcher does not split it."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _localhost_resolves() -> bool:
    """Whether the name `localhost` resolves; on a minimal machine it may not."""
    try:
        return bool(socket.getaddrinfo("localhost", None))
    except OSError:
        return False
