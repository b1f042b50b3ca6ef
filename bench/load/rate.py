"""`rate`: how late `--rate` sends its requests, and whether latencies show a stall in full.

The schedule lag is the time from when a request is due until it is sent. It is measured at half of
the generator's capacity, which is measured immediately before, as machines have faster and slower
minutes. For comparison, a bare timer wakes at the same rate on the same core: its lateness is the
machine's share of the lag.

Then a server stalls once, for a second. The latencies from when requests were due are compared with
Vegeta's for the same stall, if Vegeta is installed, and with those calculated from the schedule.
"""

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.dataset as pads

from bench.harness.figures import MedianRange, percentile, spread
from bench.harness.parts import ROOT, TOPIC, Workbench, finished, last_line, pin, two_cores
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.load import overhead
from bench.load.bare_timer import QUANTILES
from bench.load.responder import STALL_S
from headcount.errors import PartError
from headcount.kafka.topic import ensure_topic
from headcount.ledger.location import open_location
from headcount.open_model.arrival_counts import read_arrivals, total
from headcount.stack.process import Process

TARGET_MS = 2.0
TARGET_APART = 0.05
HELD_BY = (
    "work such as writing the ledger every 2 s occupies the generator's core for some milliseconds"
)
EXCESSIVE_RATE = 30_000
"""A rate that no core can reach: the achieved rate is the generator's capacity."""
DEADLINE_S = 180.0
_STALL_AFTER = 0.3
_STALLS = {
    "from_intended": "stall of 1 s: LedgerUser, from when due",
    "http": "stall of 1 s: LedgerUser, from when sent",
    "vegeta": "stall of 1 s: Vegeta",
    "exact": "stall of 1 s, by calculation",
}
_NS_PER_MS = 1e6

Percentiles = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RateSettings:
    """Settings of the measurement; `seconds` is the duration of each run at a rate."""

    rounds: int = 7
    seconds: int = 10
    stalled_rate: int = 300


@dataclass(frozen=True, slots=True)
class Lag:
    """Percentiles of the schedule lag at a rate, in ms, and the number of dropped arrivals."""

    rate: int
    due: int
    dropped: int
    ms: Percentiles


@dataclass(frozen=True, slots=True)
class RateRound:
    """The measurements of one round; `vegeta_ms` is None without Vegeta."""

    lag: Lag
    timer_ms: Percentiles
    from_intended_ms: Percentiles
    http_ms: Percentiles
    vegeta_ms: Percentiles | None


def measure(settings: RateSettings, stage: Workbench) -> BenchmarkResult:
    """Run the rounds, each at half of the capacity that the generator has at the time."""
    ensure_topic(stage.broker.cluster, TOPIC, partitions=4)
    cores, vegeta = two_cores(), shutil.which("vegeta")
    if cores is not None:
        pin(stage.broker.pid, cores[1])
    taken = []
    for number in range(settings.rounds):
        with stage.console.step(f"Round {number + 1} of {settings.rounds}"):
            taken.append(_round(settings, stage, number, vegeta))
    return _result(settings, taken, cores)


def exact_ms(seconds: int) -> dict[str, float]:
    """Latencies of evenly spaced requests, by percentile, if all of one second wait for its end."""
    return {
        name: max(0.0, STALL_S - (1 - quantile) * seconds) * 1000
        for name, quantile in QUANTILES.items()
    }


def _capacity(settings: RateSettings, stage: Workbench, number: int) -> float:
    """The requests per second that are started at an excessive rate."""
    with overhead.responder(stage) as (server, url):
        run = _run_locust(
            settings, stage, f"capacity-{number}", EXCESSIVE_RATE, server=server, url=url
        )
    measured = total(read_arrivals(*open_location(str(run / "ledger"))))
    return measured.started / settings.seconds


def _round(settings: RateSettings, stage: Workbench, number: int, vegeta: str | None) -> RateRound:
    half = max(1, round(_capacity(settings, stage, number) / 2))
    with overhead.responder(stage) as (server, url):
        paced = _run_locust(settings, stage, f"lag-{number}", half, server=server, url=url)
    timer_ms = _timer_percentiles(settings, stage, half)
    stall_at = str(round(_STALL_AFTER * settings.seconds * settings.stalled_rate))
    with overhead.responder(stage, stall_at) as (server, url):
        run_id, rate = f"stall-{number}", settings.stalled_rate
        stalled = _run_locust(settings, stage, run_id, rate, server=server, url=url)
    vegeta_ms = None
    if vegeta is not None:
        with overhead.responder(stage, stall_at) as (_, url):
            vegeta_ms = _percentiles(_vegeta_latencies_ms(vegeta, settings, url))
    return RateRound(
        _lag(paced, half),
        timer_ms,
        _percentiles(_durations_ms(stalled, "intended_at_ns", "answered_at_ns")),
        _percentiles(_durations_ms(stalled, "sent_at_ns", "answered_at_ns")),
        vegeta_ms,
    )


def _run_locust(
    settings: RateSettings, stage: Workbench, run_id: str, rate: int, *, server: Process, url: str
) -> Path:
    """Run one Locust at a rate; return the run's folder."""
    locust = stage.start(
        f"locust {run_id}",
        *("-m", "locust", "-f", "bench/load/users/ledger_players.py", "--host", url, "--headless"),
        *("--rate", f"{rate}/s:{settings.seconds}s", "--window", "3600"),
        *("--only-summary", "--loglevel", "WARNING", *overhead.ledger_options(stage, run_id)),
    )
    cores = two_cores()
    if cores is not None:
        pin(locust.pid, cores[0])
        pin(server.pid, cores[1])
    finished(locust, DEADLINE_S + settings.seconds)
    return stage.folder / run_id


def _timer_percentiles(settings: RateSettings, stage: Workbench, rate: int) -> Percentiles:
    """Run a bare timer at the same rate; return the percentiles of its lateness."""
    timer = stage.start("timer", "-m", "bench.load.bare_timer", str(rate), str(settings.seconds))
    cores = two_cores()
    if cores is not None:
        pin(timer.pid, cores[0])
    finished(timer, DEADLINE_S + settings.seconds)
    measured: dict[str, float] = json.loads(last_line(timer))
    return measured


def _lag(run: Path, rate: int) -> Lag:
    measured = total(read_arrivals(*open_location(str(run / "ledger"))))
    late_ms = _durations_ms(run, "intended_at_ns", "sent_at_ns")
    if len(late_ms) != measured.started or not late_ms:
        raise PartError(f"the ledger of {run} has {len(late_ms)} requests, expected {measured}")
    return Lag(rate, measured.due, measured.dropped, _percentiles(late_ms))


def _durations_ms(run: Path, begin: str, end: str) -> list[float]:
    """Read the duration of each request between two columns of the ledger."""
    part = overhead.ledger_of(run)
    if part.seal is None or part.damage:
        raise PartError(f"the ledger of {run} is incomplete: {part}")
    files = [str(run / "ledger" / str(part.generator) / name) for name in part.segments]
    rows = pads.dataset(files, format="parquet").to_table(columns=[begin, end]).to_pylist()
    if any(row[end] is None for row in rows):
        raise PartError(f"requests of {run} were not answered")
    return [(row[end] - row[begin]) / _NS_PER_MS for row in rows]


def _vegeta_latencies_ms(vegeta: str, settings: RateSettings, url: str) -> list[float]:
    """Run Vegeta at the same rate; return its latencies, in ms."""
    attack = [vegeta, "attack", f"-rate={settings.stalled_rate}/s"]
    attack.append(f"-duration={settings.seconds}s")
    target = f"GET {url}/\n".encode()
    results = _output_of(attack, target, DEADLINE_S + settings.seconds)
    lines = _output_of([vegeta, "encode", "-to", "csv"], results, DEADLINE_S).decode().splitlines()
    rows = [row[:3] for row in csv.reader(lines)]  # Unix time in ns, status, latency in ns
    if not rows or any(status != "200" for _, status, _ in rows):
        raise PartError(f"Vegeta's requests to {url} were not all answered with 200")
    return [int(latency) / _NS_PER_MS for _, _, latency in rows]


def _output_of(command: Sequence[str], stdin: bytes, deadline_s: float) -> bytes:
    done = subprocess.run(
        command, input=stdin, capture_output=True, timeout=deadline_s, check=False, cwd=ROOT
    )
    if done.returncode:
        raise PartError(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {name: percentile(values, quantile) for name, quantile in QUANTILES.items()}


def _result(
    settings: RateSettings, taken: list[RateRound], cores: tuple[int, int] | None
) -> BenchmarkResult:
    lag = [one_round.lag.ms for one_round in taken]
    timers = [one_round.timer_ms for one_round in taken]
    stalled = _in_stall(settings, taken)
    rate = spread(one_round.lag.rate for one_round in taken)
    return BenchmarkResult(
        name="rate",
        title="rate: schedule lag, and latency during a stall, in ms",
        columns=("ms", *QUANTILES),
        rows=[
            _row(f"schedule lag at {rate.show(',.0f')}/s", lag),
            _row("lateness of a bare timer at that rate", timers),
            *(_row(_STALLS[name], measured) for name, measured in stalled.items()),
        ],
        settings={"settings": settings, "pinned_to_cores": cores, "target_ms": TARGET_MS},
        rounds=[asdict(one_round) for one_round in taken],
        figures={
            "rate_per_s": rate,
            "lag_ms": _spreads(lag),
            "timer_ms": _spreads(timers),
            "stall_ms": {
                name: {key: value.median for key, value in _spreads(measured).items()}
                for name, measured in stalled.items()
            },
        },
        notes=tuple(_notes(settings, taken, has_peer="vegeta" in stalled)),
        targets=_targets(lag, stalled),
    )


def _in_stall(settings: RateSettings, rounds: Sequence[RateRound]) -> dict[str, list[Percentiles]]:
    """Return the latencies in a stall: as measured in two ways, by the peer if any, and exact."""
    vegeta_ms = [one_round.vegeta_ms for one_round in rounds if one_round.vegeta_ms is not None]
    return {
        "from_intended": [one_round.from_intended_ms for one_round in rounds],
        "http": [one_round.http_ms for one_round in rounds],
        **({"vegeta": vegeta_ms} if vegeta_ms else {}),
        "exact": [exact_ms(settings.seconds)],
    }


def _spreads(measured: Sequence[Percentiles]) -> dict[str, MedianRange]:
    return {name: spread(percentiles[name] for percentiles in measured) for name in QUANTILES}


def _notes(settings: RateSettings, taken: Sequence[RateRound], *, has_peer: bool) -> Iterator[str]:
    dropped = sum(one_round.lag.dropped for one_round in taken)
    due = sum(one_round.lag.due for one_round in taken)
    yield (
        "the rate is half the capacity, which was measured just before with "
        f"{EXCESSIVE_RATE:,} arrivals due per second"
    )
    yield f"of {due:,} arrivals at these rates, {dropped:,} were dropped"
    yield f"median (lowest-highest) of {settings.rounds} rounds, {settings.seconds} s each"
    yield f"the stall is measured at {settings.stalled_rate:,}/s"
    if has_peer:
        yield "the peer is Vegeta"
    else:
        yield "vegeta is not on PATH, so the stall is compared only with the calculation"


def _targets(
    lag: Sequence[Percentiles], stalled: Mapping[str, Sequence[Percentiles]]
) -> list[PerformanceTarget]:
    late = spread(percentiles["p99"] for percentiles in lag)
    (exact,) = stalled["exact"]
    intended = stalled["from_intended"]
    peers = stalled.get("vegeta") or [exact for _ in intended]
    apart = spread(
        abs(one["p99.9"] / other["p99.9"] - 1) for one, other in zip(intended, peers, strict=True)
    )
    what = "p99 of the schedule lag, at half of the generator's capacity"
    return [
        PerformanceTarget(what, TARGET_MS, late, at_most=True, unit=" ms", held_by=HELD_BY),
        PerformanceTarget(
            "p99.9 in a stall of 1 s: relative difference from the peer's",
            TARGET_APART,
            apart,
            at_most=True,
        ),
    ]


def _row(label: str, measured: Sequence[Percentiles]) -> tuple[str, ...]:
    return (label, *(value.show(".1f") for value in _spreads(measured).values()))
