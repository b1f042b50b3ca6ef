"""`headcount doctor`: is there all that a run needs, and what to do where there is not."""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from headcount.cli.commands.up import WEB_PORT
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.output_options import with_reports_dir
from headcount.console import Console
from headcount.errors import PartError
from headcount.kafka import topic
from headcount.stack.broker_config import DEFAULT_PORT as BROKER_PORT
from headcount.stack.cache import cache_folder, made_folder
from headcount.stack.jvm.jars import are_cached
from headcount.stack.jvm.java import find_java
from headcount.stack.ports import is_free
from headcount.stack.service import DEFAULT_PORT as SERVICE_PORT

NEEDED_GIB = 2.0
"""What the jars, the environment and a run or two take, with room to spare."""

_EXAMPLES = """
\b
Examples:
  headcount doctor
  headcount doctor --bootstrap-servers kafka:9092     is this broker one to use?
"""
_THERE, _NOT_THERE = "there, and as locked", "not there yet, the first run fetches them"
_PORTS = {"Kafka": BROKER_PORT, "the service": SERVICE_PORT, "Locust's web UI": WEB_PORT}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing that a run needs; `remedy` is empty where nothing is amiss."""

    name: str
    found: str
    remedy: str = ""


@grouped_command(epilog=_EXAMPLES)
@grouped_option(
    OptionGroup.KAFKA,
    "--bootstrap-servers",
    metavar="HOST:PORT,…",
    help="Check your Kafka brokers, too.",
)
@with_reports_dir
def doctor(*, bootstrap_servers: str | None, reports_dir: Path) -> int:
    """Look whether Python, Java, ports, disk, cache and broker are as a run needs them."""
    console = Console()
    findings = tuple(_findings(bootstrap_servers, reports_dir.absolute()))
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in findings:
        mark = Text("wrong", "bold red") if each.remedy else Text("good", "green")
        table.add_row(mark, Text(each.name), Text(each.found))
        if each.remedy:
            table.add_row("", "", Text(each.remedy, "bold"))
    console.result(table)
    return PartError.exit_code if any(each.remedy for each in findings) else 0


def _findings(bootstrap_servers: str | None, reports: Path) -> Iterator[Finding]:
    environ = dict(os.environ)
    cache = cache_folder(environ)
    yield Finding("Python", platform.python_version())
    yield _tried("Java", lambda: _java(environ, cache))
    yield _tried("cache", lambda: str(_writable(made_folder(cache))))
    yield _tried("jars", lambda: _THERE if are_cached(cache) else _NOT_THERE)
    yield _disk("disk of the cache", cache)
    yield _disk("disk of the reports", reports)
    for name, port in _PORTS.items():
        taken = f"{port} is taken: a free one is used, and told"
        yield Finding(f"port of {name}", f"{port} is free" if is_free(port) else taken)
    if bootstrap_servers is not None:
        yield _tried("broker", lambda: f"cluster {topic.cluster_id(bootstrap_servers)}")


def _java(environ: Mapping[str, str], cache: Path) -> str:
    java = find_java(environ, cache)
    return f"{java.version}, from {java.source}"


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, look())
    except PartError as error:
        return Finding(name, "", str(error))


def _writable(folder: Path) -> Path:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise PartError(
            f"nothing can be written to {folder} ({error.strerror}): "
            "set HEADCOUNT_CACHE to a folder that can be written"
        ) from None


def _disk(name: str, folder: Path) -> Finding:
    """Look at the disk that a folder is on, or would be."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free_gib = shutil.disk_usage(there).free / 2**30
    found = f"{free_gib:.1f} GiB free on {there}"
    if free_gib >= NEEDED_GIB:
        return Finding(name, found)
    return Finding(name, found, f"make room for {NEEDED_GIB:g} GiB, or choose another folder")
