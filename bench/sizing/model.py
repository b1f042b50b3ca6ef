"""`sizing`: the cores and storage that a load needs, from measured costs.

A model, not a measurement: CPU time grows with the rate, storage with the events, and the time to a
verdict follows Amdahl's law. The costs come from `costs.json` and `cores.json`, all other
assumptions from `SizingRequest`. Pure, except for reading those files and writing the document.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.pages.markdown import table
from bench.sizing import cores, costs
from bench.sizing.cores import MILLION, Fit
from headcount.errors import UsageError
from headcount.files import write_atomically
from headcount.open_model.rate import RatePlan

GENERATORS = "generators"
BEGIN, END = "<!-- sizing: begin -->", "<!-- sizing: end -->"
_BLOCK = re.compile(f"{BEGIN}\n.*{END}", re.DOTALL)
SEGMENT_EVERY_S = 2.0
"""Interval of ledger segments: FLUSH_EVERY_S of `headcount/plugin/attempts/segment_writer.py`."""
_GIGA, _TERA = 1e9, 1e12


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost per event: microseconds of one core for each part, and bytes for each store."""

    generator_us: float
    service_us: float
    broker_us: float
    ledger_bytes: float
    topic_bytes: float
    verdict: Fit
    machine: str


@dataclass(frozen=True, slots=True)
class SizingRequest:
    """The load, and its constraints; `busy` is the sustained utilisation of a core."""

    plan: RatePlan
    within_s: float = 900.0
    busy: float = 0.6
    replication: int = 3

    @property
    def events(self) -> float:
        """Number of requests in the run."""
        return self.plan.total


@dataclass(frozen=True, slots=True)
class PartNeed:
    """What a part needs; `carries` is the events per second that one of its cores handles."""

    part: str
    carries: float
    cores: int
    grows_by: str


def read_costs(folder: Path) -> Costs:
    """Read the figures of both benchmarks. Raises UsageError if one is missing."""
    cost, core = (_read(folder / f"{name}.json") for name in (costs.NAME, cores.NAME))
    us, size = cost["figures"]["cpu_us_per_event"], cost["figures"]["bytes_per_event"]
    verdict = core["figures"]
    machine = cost["machine"]
    return Costs(
        generator_us=us["generator"]["median"],
        service_us=us["service"]["median"],
        broker_us=us["broker"]["median"],
        ledger_bytes=size["ledger"]["median"],
        topic_bytes=size["topic"]["median"],
        verdict=Fit(
            verdict["start_s"],
            verdict["shared_s_per_million"],
            verdict["serial_s_per_million"],
        ),
        machine=f"{machine['cores']} cores, {machine['processor']}, {cost['taken_at'][:10]}",
    )


def needs(costs: Costs, request: SizingRequest) -> tuple[PartNeed, ...]:
    """The cores that each part needs during the load, the first limit first."""
    parts = (
        _need("service", costs.service_us, request, "replicas, each with one worker per core"),
        _need(GENERATORS, costs.generator_us, request, "Locust workers, one core each"),
        # An upper bound: a replica costs at most as much as the leader.
        _need("brokers", costs.broker_us * request.replication, request, "brokers, and partitions"),
    )
    return tuple(sorted(parts, key=lambda need: need.carries))


def verdict_s(costs: Costs, events: float, executors: int) -> float:
    """Seconds to a verdict on `executors` cores."""
    fit, millions = costs.verdict, events / MILLION
    return fit.start_s + millions * (fit.shared_s / executors + fit.serial_s)


def verdict_cores(costs: Costs, request: SizingRequest) -> int | None:
    """The fewest cores with which the verdict is ready in time; None if no number is enough."""
    fit, millions = costs.verdict, request.events / MILLION
    left_s = request.within_s - fit.start_s - millions * fit.serial_s
    return max(1, math.ceil(millions * fit.shared_s / left_s)) if left_s > 0 else None


def markdown(costs: Costs, request: SizingRequest, command: str) -> str:
    """The sizing as Markdown."""
    sections = (_of_costs(costs, command), _of_cores(costs, request), _of_storage(costs, request))
    verdict = (*_of_verdict(costs, request), "", _first(costs, request))
    return "\n".join(line for section in (*sections, verdict) for line in (*section, "")).rstrip()


def rewritten(document: str, block: str) -> str:
    """Replace the block between the markers. Raises UsageError if they are missing."""
    if not _BLOCK.search(document):
        raise UsageError(f"the document has no {BEGIN} and {END}")
    return _BLOCK.sub(lambda _: f"{BEGIN}\n{block}\n{END}", document)


def rewrite(path: Path, block: str) -> None:
    """Replace the block in a file. Raises OSError."""
    write_atomically(path, rewritten(path.read_text(encoding="utf-8"), block))


def _need(part: str, cost_us: float, request: SizingRequest, grows_by: str) -> PartNeed:
    carries = 1e6 / cost_us * request.busy
    return PartNeed(part, carries, math.ceil(request.plan.peak / carries), grows_by)


def _of_costs(costs: Costs, command: str) -> Iterator[str]:
    fit = costs.verdict
    yield f"Measured on {costs.machine}; computed by `{command}`:"
    yield ""
    yield from table(
        ("per", "part or store", "cost"),
        (
            ("a request", "a generator", f"{costs.generator_us:,.0f} µs of a core"),
            ("an acknowledgement", "the service", f"{costs.service_us:,.0f} µs of a core"),
            ("an event", "a broker", f"{costs.broker_us:,.0f} µs of a core, for each replica"),
            ("a million events", "the ledger", f"{costs.ledger_bytes:,.1f} MB"),
            ("a million events", "the topic", f"{costs.topic_bytes:,.0f} MB, for each replica"),
            (
                "a million events",
                "the verdict",
                f"{fit.shared_s:.2f} s of CPU, divided among the cores",
            ),
            (
                "a million events",
                "the verdict",
                f"another {fit.serial_s:.2f} s on a single core, however many there are",
            ),
            ("a verdict", "its start", f"{fit.start_s:.1f} s"),
        ),
    )


def _of_cores(costs: Costs, request: SizingRequest) -> Iterator[str]:
    yield (
        f"For {request.plan.peak:,.0f} requests a second, with cores {request.busy:.0%} busy and "
        f"{request.replication} replicas:"
    )
    yield ""
    yield from table(
        ("part", "one core carries", "cores", "to carry more, add"),
        tuple(
            (need.part, f"{need.carries:,.0f} /s", f"{need.cores:,}", need.grows_by)
            for need in needs(costs, request)
        ),
    )


def _of_storage(costs: Costs, request: SizingRequest) -> Iterator[str]:
    peak, events = request.plan.peak, request.events
    topic, ledger = costs.topic_bytes, costs.ledger_bytes
    (generators,) = (need.cores for need in needs(costs, request) if need.part == GENERATORS)
    segments = math.ceil(generators * (request.plan.duration_s or 0.0) / SEGMENT_EVERY_S)
    yield f"For the {events / MILLION:,.0f} million events in {_span(request.plan.duration_s)}:"
    yield ""
    yield from table(
        ("store", "peak rate", "total", "files"),
        (
            (
                f"brokers' disks, {request.replication} replicas",
                f"{peak * topic * request.replication / 1e6:,.0f} MB/s",
                _size(events * topic * request.replication),
                "",
            ),
            (
                "ledgers",
                f"{peak * ledger / 1e6:,.1f} MB/s",
                _size(events * ledger),
                f"{segments:,} segments",
            ),
        ),
    )


def _of_verdict(costs: Costs, request: SizingRequest) -> Iterator[str]:
    chosen = verdict_cores(costs, request)
    counts = sorted({2, 8, 32, 128} | ({chosen} if chosen else set()))
    yield "Time to the verdict, by the cores of Spark's executors:"
    yield ""
    yield from table(
        ("cores", "time"),
        tuple(
            (f"{core_count:,}", _span(verdict_s(costs, request.events, core_count), exact=False))
            for core_count in counts
        ),
    )
    yield ""
    if chosen is None:
        serial_s = costs.verdict.start_s + request.events / MILLION * costs.verdict.serial_s
        yield (
            f"No number of cores is enough for a verdict within {_span(request.within_s)}: the "
            f"part on a single core alone takes {_span(serial_s, exact=False)}. "
            "Make several shorter runs instead, and judge them in parallel."
        )
    else:
        yield f"Number of cores for a verdict within {_span(request.within_s)}: {chosen:,}."


def _first(costs: Costs, request: SizingRequest) -> str:
    first, *others = needs(costs, request)
    then = ", then ".join(f"{need.part} ({need.carries:,.0f} /s)" for need in others)
    return (
        f"The first limit is the {first.part}: one core carries {first.carries:,.0f} /s; add "
        f"{first.grows_by}. The next limits are {then}."
    )


def _size(size_bytes: float) -> str:
    if size_bytes >= _TERA:
        return f"{size_bytes / _TERA:,.1f} TB"
    return f"{size_bytes / _GIGA:,.1f} GB"


def _span(seconds: float | None, *, exact: bool = True) -> str:
    """A duration in the largest unit that it fills."""
    seconds = seconds or 0.0
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:{'g' if exact else '.1f'}} {unit}"
    return f"{seconds:{'g' if exact else '.0f'}} s"


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; measure it with python -m bench {path.stem}"
        ) from None
    return document
