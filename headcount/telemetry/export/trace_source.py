"""The trace source: what the trace of a run is made of, read from its folder once it is over."""

import contextlib
import csv
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from headcount.errors import HeadcountError
from headcount.files import open_own
from headcount.run.folder import RunFolder
from headcount.run.trace_context import parent_span
from headcount.run.utc import unix_ns
from headcount.telemetry.export.run_source import read_judgement
from headcount.telemetry.resource_attributes import resource_attributes
from headcount.telemetry.run_steps import RunStep, dump_steps, load_steps
from headcount.telemetry.run_trace import TraceSpan, request_spans, run_context, run_spans

PARENT_VARIABLE = "TRACEPARENT"
"""Where CI systems name the span that a command belongs to, as OpenTelemetry specifies."""
MOST_ROWS = 100_000
"""The most rows of exceptions.csv that are read, because the end of the run waits for them."""


@dataclass(frozen=True, slots=True)
class StepsFile:
    """The file that holds the steps of a run."""

    path: Path

    @classmethod
    def of(cls, folder: RunFolder) -> "StepsFile":
        """Return the file of a run."""
        return cls(folder.logs / "steps.json")

    def write(self, steps: tuple[RunStep, ...]) -> None:
        """Write the steps. Raises OSError."""
        self.path.write_bytes(dump_steps(steps))

    def read(self) -> tuple[RunStep, ...]:
        """Return the steps; none if they are not known."""
        try:
            return load_steps(self.path.read_bytes())
        except OSError:
            return ()


def spans_of(
    folder: RunFolder, environ: Mapping[str, str]
) -> tuple[tuple[TraceSpan, ...], Mapping[str, str]]:
    """Return the spans of a run, and its resource attributes; none if it has not begun."""
    try:
        manifest = folder.read_manifest()
    except HeadcountError:
        return (), {}
    judgement = read_judgement(folder)
    parent = parent_span(environ.get(PARENT_VARIABLE, ""))
    began_ns = unix_ns(manifest.created_at)
    of_run = run_spans(
        manifest, StepsFile.of(folder).read(), judgement, (began_ns, _ended_ns(folder)), parent
    )
    rows = _exceptions(folder) if judgement is not None else iter(())
    of_requests = request_spans(manifest, rows, run_context(manifest, parent))
    return (*of_run, *of_requests), resource_attributes(manifest, environ)


def _ended_ns(folder: RunFolder) -> int:
    """Return when the verdict was written; now, if there is none."""
    try:
        return (folder.path / "verdict.json").stat().st_mtime_ns
    except OSError:
        return time.time_ns()


def _exceptions(folder: RunFolder) -> Iterator[Mapping[str, str]]:
    """Yield the first rows of exceptions.csv."""
    with (
        contextlib.suppress(OSError),
        open_own(folder.path, "exceptions.csv") as file,
    ):
        lines = (line.decode(errors="replace") for line in file)
        yield from islice(csv.DictReader(lines), MOST_ROWS)
