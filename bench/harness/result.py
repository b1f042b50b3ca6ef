"""The result: a table for the reader, and a JSON document with all that it was made of."""

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.harness.target import PerformanceTarget
from headcount.files import write_atomically

PACKAGES = (
    "headcount",
    "locust",
    "gevent",
    "geventhttpclient",
    "flask",
    "gunicorn",
    "kafka-python",
    "confluent-kafka",
    "pyspark",
    "pyarrow",
    "polars",
)


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """What a benchmark found: `figures` are the sums, `rounds` what was measured, one by one."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    settings: Mapping[str, Any]
    rounds: Sequence[Any]
    figures: Mapping[str, Any]
    notes: Sequence[str] = field(default=())
    targets: Sequence[PerformanceTarget] = field(default=())


@dataclass(frozen=True, slots=True)
class Machine:
    """What it ran on, and how busy that was with other things when it began."""

    system: str
    processor: str
    cores: int
    memory_gib: float
    load_1m_before: float

    @property
    def line(self) -> str:
        """The machine in a line."""
        return (
            f"{self.cores} cores ({self.processor}), {self.memory_gib:.0f} GiB, {self.system}, "
            f"load before: {self.load_1m_before:.1f}"
        )


def machine() -> Machine:
    """Look at the machine; called before a benchmark puts load on it."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=psutil.virtual_memory().total / 2**30,
        load_1m_before=os.getloadavg()[0],
    )


def versions(parts: Mapping[str, str]) -> dict[str, str]:
    """Name the versions of what is measured; `parts` are those of what is no Python package."""
    return {
        "python": platform.python_version(),
        **parts,
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def save(
    result: BenchmarkResult,
    seen: Machine,
    folder: Path,
    parts: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Write the result as `<name>.json`, and return its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "benchmark": result.name,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(seen),
        "versions": versions(parts),
        "settings": result.settings,
        "table": {
            "title": result.title,
            "columns": list(result.columns),
            "rows": [list(row) for row in result.rows],
        },
        "targets": [_told(each) for each in result.targets],
        "figures": result.figures,
        "rounds": result.rounds,
        "notes": list(result.notes),
    }
    path = folder / f"{result.name}.json"
    write_atomically(path, json.dumps(document, indent=1, default=_plain) + "\n")
    return path


def show(result: BenchmarkResult, seen: Machine) -> None:
    """Print the table, what it needs to be understood, and the machine."""
    table = Table(title=result.title, title_justify="left")
    for place, column in enumerate(result.columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    for row in result.rows:
        table.add_row(*row)
    wide = None if sys.stdout.isatty() else 120
    console = Console(width=wide, highlight=False)
    console.print(table)
    for target in result.targets:
        line = f"{target.what}: {target.measured}, wanted {target.wanted}: {target.verdict}"
        console.print(line, markup=False, soft_wrap=True)
    for note in (*result.notes, seen.line):
        console.print(note, markup=False, soft_wrap=True)


def _told(target: PerformanceTarget) -> dict[str, Any]:
    shown = ("wanted", "measured", "verdict", "is_met")
    return {**asdict(target), **{name: getattr(target, name) for name in shown}}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
