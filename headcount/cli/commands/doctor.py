"""`headcount doctor`: checks the prerequisites of a run; names a remedy for what is missing."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.table import Table
from rich.text import Text

from headcount.cli.commands.up import WEB_PORT
from headcount.cli.finding import Finding, checked
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.output_options import with_reports_dir
from headcount.console import Console
from headcount.errors import PartError
from headcount.installation import check_installed
from headcount.kafka.cluster import Cluster
from headcount.stack.broker_config import DEFAULT_PORT as BROKER_PORT
from headcount.stack.cache import cache_folder, made_folder
from headcount.stack.jvm.jars import are_cached
from headcount.stack.jvm.java import find_java
from headcount.stack.ports import is_free
from headcount.stack.service import DEFAULT_PORT as SERVICE_PORT

NEEDED_GIB = 2.0
"""The free space that a disk should have: more than jars, environment and a run or two take up."""

_EXAMPLES = """
\b
Examples:
  headcount doctor
  headcount doctor --bootstrap-servers kafka:9092     check a broker, too
"""
_CACHED = "cached, and they match the lock file"
_NOT_CACHED = "not cached yet: the first run fetches them"
_PORTS = {"Kafka": BROKER_PORT, "the service": SERVICE_PORT, "Locust's web UI": WEB_PORT}


@grouped_command(epilog=_EXAMPLES)
@grouped_option(
    OptionGroup.KAFKA,
    "--bootstrap-servers",
    metavar="HOST:PORT,…",
    help="Check your Kafka brokers, too.",
)
@grouped_option(
    OptionGroup.KAFKA,
    "--topic",
    default="",
    metavar="NAME",
    help="Check your rights on this topic, too.",
)
@with_kafka_options
@with_reports_dir
def doctor(
    *, bootstrap_servers: str | None, topic: str, kafka_options: KafkaOptions, reports_dir: Path
) -> int:
    """Check that Python, Java, ports, disk, cache and broker are ready for a run."""
    console = Console()
    settings = kafka_options.settings
    servers = bootstrap_servers or settings.bootstrap_servers
    cluster = Cluster(servers, settings) if servers else None
    findings = tuple(_findings(cluster, topic, reports_dir.absolute()))
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        mark = Text("problem", "bold red") if finding.remedy else Text("ok", "green")
        table.add_row(mark, Text(finding.name), Text(finding.state))
        if finding.remedy:
            table.add_row("", "", Text(finding.remedy, "bold"))
    console.result(table)
    return PartError.exit_code if any(finding.remedy for finding in findings) else 0


def _findings(cluster: Cluster | None, topic: str, reports: Path) -> Iterator[Finding]:
    environ = dict(os.environ)
    cache = cache_folder(environ)
    yield Finding("Python", platform.python_version())
    yield checked("packages", _packages)
    yield checked("Java", lambda: _java(environ, cache))
    yield checked("cache", lambda: str(_writable(made_folder(cache))))
    yield checked("jars", lambda: _CACHED if are_cached(cache) else _NOT_CACHED)
    yield _disk("disk of the cache", cache)
    yield _disk("disk of the reports", reports)
    for name, port in _PORTS.items():
        taken = f"{port} is in use; a run will pick a free port and print it"
        yield Finding(f"port of {name}", f"{port} is free" if is_free(port) else taken)
    if cluster is not None:
        # A Kafka client loads slowly, and --help needs none.
        from headcount.cli.kafka_findings import of_cluster  # noqa: PLC0415

        yield from of_cluster(cluster, topic)


def _packages() -> str:
    check_installed()
    return "installed"


def _java(environ: Mapping[str, str], cache: Path) -> str:
    java = find_java(environ, cache)
    return f"{java.version}, from {java.source}"


def _writable(folder: Path) -> Path:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise PartError(
            f"cannot write to {folder} ({error.strerror}): set HEADCOUNT_CACHE to a writable folder"
        ) from None


def _disk(name: str, folder: Path) -> Finding:
    """Check the disk that a folder is on, or would be on."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_gib = shutil.disk_usage(existing).free / 2**30
    state = f"{free_gib:.1f} GiB free on {existing}"
    if free_gib >= NEEDED_GIB:
        return Finding(name, state)
    return Finding(
        name,
        state,
        f"free at least {NEEDED_GIB:g} GiB, or set HEADCOUNT_CACHE or --reports-dir to a folder "
        "on another disk",
    )
