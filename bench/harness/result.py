"""A benchmark's result: a table to print, and a JSON document with every figure."""

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
    "fastavro",
    "protobuf",
    "orjson",
    "fastavro",
    "orjson",
    "protobuf",
    "pyspark",
    "pyarrow",
    "polars",
)


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """A benchmark's result: `rounds` are the raw measurements, `figures` their summary."""

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
    """The machine, and its load average before the benchmark."""

    system: str
    processor: str
    cores: int
    memory_gib: float
    load_1m_before: float

    @property
    def line(self) -> str:
        """The machine as one line."""
        return (
            f"{self.cores} cores ({self.processor}), {self.memory_gib:.0f} GiB, {self.system}, "
            f"load before: {self.load_1m_before:.1f}"
        )


def machine() -> Machine:
    """Describe the machine; call it before a benchmark loads it."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=psutil.virtual_memory().total / 2**30,
        load_1m_before=os.getloadavg()[0],
    )


def versions(parts: Mapping[str, str]) -> dict[str, str]:
    """Versions of the measured software; `parts` adds software other than Python packages."""
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
    """Write the result as `<name>.json` and return its path. Raises OSError."""
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
        "targets": [_target_document(target) for target in result.targets],
        "figures": result.figures,
        "rounds": result.rounds,
        "notes": list(result.notes),
    }
    path = folder / f"{result.name}.json"
    write_atomically(path, json.dumps(document, indent=1, default=_plain) + "\n")
    return path


def show(result: BenchmarkResult, seen: Machine) -> None:
    """Print the table, the targets, the notes and the machine."""
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


def _target_document(target: PerformanceTarget) -> dict[str, Any]:
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
