"""Runs one benchmark, prints its table and saves its figures."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from bench.harness.parts import Workbench, stage, versions
from bench.harness.result import BenchmarkResult, machine, save, show
from headcount.console import Console


@dataclass(frozen=True, slots=True)
class Output:
    """Where to save results, and whether to hide progress."""

    folder: Path
    quiet: bool


def take(
    output: Output, measure: Callable[[Workbench], BenchmarkResult], kept_in: Path | None = None
) -> None:
    """Start a broker, run a benchmark, print its table and save its figures."""
    seen = machine()
    output.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(
            prefix="scratch-", dir=output.folder, ignore_cleanup_errors=True
        ) as scratch,
        stage(Path(scratch), Console(quiet=output.quiet)) as parts,
    ):
        result = measure(parts)
    show(result, seen)
    path = save(result, seen, kept_in or output.folder, versions(parts.ready))
    click.echo(f"Written to {path}\n")
