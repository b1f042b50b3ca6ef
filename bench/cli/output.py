"""Runs one benchmark, prints its table and saves its figures."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from bench.cli.pages import measured_in, write_pages
from bench.harness.parts import Workbench, stage, versions
from bench.harness.result import BenchmarkResult, machine, save, show
from headcount.console import Console


@dataclass(frozen=True, slots=True)
class Output:
    """Where to save results and scratch data, and whether to hide progress.

    If `documents` is set, results are saved in the folder `measured` below it instead, and the
    pages in `documents` are rewritten.
    """

    folder: Path
    quiet: bool
    documents: Path | None = None


def take(output: Output, measure: Callable[[Workbench], BenchmarkResult]) -> None:
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
    documents = output.documents
    folder = output.folder if documents is None else measured_in(documents)
    path = save(result, seen, folder, versions(parts.ready))
    click.echo(f"Written to {path}\n")
    if documents is not None:
        write_pages(documents)
