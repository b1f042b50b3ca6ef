"""Comparability: which differences between runs forbid a comparison, and which are only shown.

Two runs are comparable if the same kind of service got the same load, measured in the same way. A
difference in any of these would change every figure, so it is an obstacle. All others are only
shown: those between equivalent runs, such as the seed or an address, and those that comparisons are
about, such as a version.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from headcount.run.verdict import Label
from headcount_analysis.compare_runs.runs import Side, VerifiedRun

UNESSENTIAL_OPTIONS = frozenset({"seed", "stop_timeout"})
"""Options that do not affect the load; a difference in any other option is an obstacle."""

_MOST_LETTERS = 120
_MOST_RUNS = 3


@dataclass(frozen=True, slots=True)
class RunDifferences:
    """Differences between the runs, one line each: obstacles, and those that are only shown."""

    obstacles: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


def differences(sides: Iterable[Side]) -> RunDifferences:
    """Return the differences between all runs, including those between runs of one side."""
    runs = [run for side in sides for run in side.runs]
    return RunDifferences(
        obstacles=(*_inconclusive(runs), *_differing(runs, _essentials)),
        shown=tuple(_differing(runs, _circumstances)),
    )


def _inconclusive(runs: Iterable[VerifiedRun]) -> Iterator[str]:
    for run in runs:
        if run.document.label is Label.INCONCLUSIVE:
            yield f"verdict: {run.run_id} is inconclusive, so its figures prove nothing"


def _essentials(run: VerifiedRun) -> Iterator[tuple[str, object]]:
    document = run.document
    yield "scenario", document.scenario
    yield (
        "event types",
        sorted(name for name, counts in document.by_event_type.items() if counts.get("attempted")),
    )
    yield "delivery promise", document.promise or "not stated"
    # The service or the broker sets the timestamp, which is where an end-to-end time ends.
    yield "timestamps of the topic", sorted(document.timestamps)
    for name, value in sorted(document.options.items()):
        if name not in UNESSENTIAL_OPTIONS:
            yield f"option {name}", value


def _circumstances(run: VerifiedRun) -> Iterator[tuple[str, object]]:
    document, manifest = run.document, run.manifest
    yield "verdict", document.label.value
    for name in sorted(UNESSENTIAL_OPTIONS):
        yield f"option {name}", document.options.get(name)
    yield "service", _address(document.host)
    yield "brokers", "the run's own" if manifest.broker_data else manifest.bootstrap_servers
    yield "partitions", len(manifest.start_offsets)
    yield "late after, ms", document.limits.get("late_after_ms")
    for name, version in sorted(document.versions.items()):
        yield f"version of {name}", version


def _differing(
    runs: Sequence[VerifiedRun], facts: Callable[[VerifiedRun], Iterable[tuple[str, object]]]
) -> Iterator[str]:
    """Yield each fact in which runs differ; "none" stands for a fact that a run lacks."""
    facts_by_run: list[Mapping[str, object]] = [dict(facts(run)) for run in runs]
    for name in dict.fromkeys(name for known in facts_by_run for name in known):
        of_value: dict[str, list[str]] = {}
        for run, known in zip(runs, facts_by_run, strict=True):
            of_value.setdefault(_written(known.get(name)), []).append(run.run_id)
        if len(of_value) > 1:
            parts = (f"{value} in {_some(names)}" for value, names in of_value.items())
            yield f"{name}: {'; '.join(parts)}"


def _written(value: object) -> str:
    match value:
        case None | "":
            text = "none"
        case list():
            text = ", ".join(map(str, value)) or "none"
        case str():
            text = value
        case _:
            text = json.dumps(value, default=str)
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_RUNS
    return ", ".join(names[:_MOST_RUNS]) + (f" and {more} more" if more > 0 else "")


def _address(url: str) -> str:
    """Return scheme, host and port; the rest of a URL may be secret."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "not a URL"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"
