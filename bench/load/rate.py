"""`rate`: how late `--rate` begins its requests, and whether a stall is seen in full.

The lag of the schedule, from when a request was due until it was sent, is taken from the first
request to the last at half of the rate that the generator comes to when far more is asked for, just
before: a machine has faster and slower minutes. Beside it stands how late a bare timer wakes at the
same rate on the same core: what the machine has of it.

Then a server stalls for a second, once: the latencies from when requests were due stand beside
Vegeta's of the same stall, where there is a Vegeta, and beside those that follow from the schedule
by calculation.
"""

import csv
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.dataset as pads

from bench.harness.figures import percentile, spread
from bench.harness.parts import ROOT, TOPIC, Workbench, finished, last_line, pin, two_cores
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.load import overhead
from bench.load.bare_timer import QUANTILES
from bench.load.responder import STALL_S
from headcount.errors import PartError
from headcount.kafka.topic import ensure_topic
from headcount.ledger.location import open_location
from headcount.open_model.scheduled_arrivals import read_arrivals, total
from headcount.stack.process import Process

TARGET_MS = 2.0
TARGET_APART = 0.05
HELD_BY = (
    "what takes the generator's core for some milliseconds, the writing of the ledger every 2 s "
    "among it"
)
TOO_MUCH = 30_000
"""A rate that no core can do: what comes of it is what the generator can."""
DEADLINE_S = 180.0
_STALL_AFTER = 0.3
_NS_PER_MS = 1e6

Percentiles = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RateSettings:
    """How it is measured; each run at a rate takes so many seconds."""

    rounds: int = 7
    seconds: int = 10
    stalled_rate: int = 300


@dataclass(frozen=True, slots=True)
class Lag:
    """How late requests were sent at a rate, in ms, and how many were not sent at all."""

    rate: int
    due: int
    dropped: int
    ms: Percentiles


@dataclass(frozen=True, slots=True)
class RateRound:
    """What one round found; `vegeta_ms` is None where there is no Vegeta."""

    lag: Lag
    timer_ms: Percentiles
    from_intended_ms: Percentiles
    http_ms: Percentiles
    vegeta_ms: Percentiles | None


def measure(settings: RateSettings, stage: Workbench) -> BenchmarkResult:
    """Take the rounds, each at half of what the generator can do then."""
    ensure_topic(stage.broker.bootstrap_servers, TOPIC, partitions=4)
    cores, vegeta = two_cores(), shutil.which("vegeta")
    if cores is not None:
        pin(stage.broker.pid, cores[1])
    taken = []
    for number in range(settings.rounds):
        with stage.console.step(f"Round {number + 1} of {settings.rounds}"):
            taken.append(_round(settings, stage, number, vegeta))
    return _result(settings, taken, cores)


def exact_ms(seconds: int) -> dict[str, float]:
    """Percentiles of evenly spaced requests of which those in one second wait for its end."""
    return {
        name: max(0.0, STALL_S - (1 - quantile) * seconds) * 1000
        for name, quantile in QUANTILES.items()
    }


def _capacity(settings: RateSettings, stage: Workbench, number: int) -> float:
    """How many requests a second are begun where more are asked for than can be."""
    with overhead.responder(stage) as (server, url):
        run = _driven(settings, stage, f"capacity-{number}", TOO_MUCH, server=server, url=url)
    measured = total(read_arrivals(*open_location(str(run / "ledger"))))
    return measured.started / settings.seconds


def _round(settings: RateSettings, stage: Workbench, number: int, vegeta: str | None) -> RateRound:
    half = max(1, round(_capacity(settings, stage, number) / 2))
    with overhead.responder(stage) as (server, url):
        paced = _driven(settings, stage, f"lag-{number}", half, server=server, url=url)
    timer_ms = _timed(settings, stage, half)
    stall_at = str(round(_STALL_AFTER * settings.seconds * settings.stalled_rate))
    with overhead.responder(stage, stall_at) as (server, url):
        run_id, rate = f"stall-{number}", settings.stalled_rate
        stalled = _driven(settings, stage, run_id, rate, server=server, url=url)
    seen = None
    if vegeta is not None:
        with overhead.responder(stage, stall_at) as (_, url):
            seen = _percentiles(_attacked(vegeta, settings, url))
    return RateRound(
        _lag(paced, half),
        timer_ms,
        _percentiles(_durations_ms(stalled, "intended_at_ns", "answered_at_ns")),
        _percentiles(_durations_ms(stalled, "sent_at_ns", "answered_at_ns")),
        seen,
    )


def _driven(
    settings: RateSettings, stage: Workbench, run_id: str, rate: int, *, server: Process, url: str
) -> Path:
    """Let one Locust keep a rate, and give its run's folder."""
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


def _timed(settings: RateSettings, stage: Workbench, rate: int) -> Percentiles:
    """Let a bare timer keep the same rate."""
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
        raise PartError(f"the ledger of {run} has {len(late_ms)} requests of {measured}")
    return Lag(rate, measured.due, measured.dropped, _percentiles(late_ms))


def _durations_ms(run: Path, begin: str, end: str) -> list[float]:
    """Read how long each request took from one of its times to another."""
    part = overhead.ledger_of(run)
    if part.seal is None or part.damage:
        raise PartError(f"the ledger of {run} is not whole: {part}")
    files = [str(run / "ledger" / str(part.generator) / name) for name in part.segments]
    rows = pads.dataset(files, format="parquet").to_table(columns=[begin, end]).to_pylist()
    if any(row[end] is None for row in rows):
        raise PartError(f"requests of {run} were not answered")
    return [(row[end] - row[begin]) / _NS_PER_MS for row in rows]


def _attacked(vegeta: str, settings: RateSettings, url: str) -> list[float]:
    """Let Vegeta keep the same rate; give its latencies, in ms."""
    attack = [vegeta, "attack", f"-rate={settings.stalled_rate}/s"]
    attack.append(f"-duration={settings.seconds}s")
    target = f"GET {url}/\n".encode()
    results = _said(attack, target, DEADLINE_S + settings.seconds)
    lines = _said([vegeta, "encode", "-to", "csv"], results, DEADLINE_S).decode().splitlines()
    rows = [row[:3] for row in csv.reader(lines)]  # Unix time in ns, status, latency in ns
    if not rows or any(status != "200" for _, status, _ in rows):
        raise PartError(f"Vegeta's requests to {url} were not all answered with 200")
    return [int(latency) / _NS_PER_MS for _, _, latency in rows]


def _said(command: Sequence[str], stdin: bytes, deadline_s: float) -> bytes:
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
    lag = [each.lag.ms for each in taken]
    stalled: dict[str, list[Percentiles]] = {
        "from_intended": [each.from_intended_ms for each in taken],
        "http": [each.http_ms for each in taken],
        "vegeta": [each.vegeta_ms for each in taken if each.vegeta_ms is not None],
        "exact": [exact_ms(settings.seconds)],
    }
    labels = {
        "from_intended": "a stall of 1 s: LedgerUser, from when due",
        "http": "the same, from when sent",
        "vegeta": "the same stall, by Vegeta",
        "exact": "the same stall, by calculation",
    }
    rate = spread(each.lag.rate for each in taken)
    timers = [each.timer_ms for each in taken]
    rows = [_row(f"sent after due, at {rate.show(',.0f')} a second", lag)]
    rows.append(_row("the same, a bare timer instead of requests", timers))
    rows += [_row(labels[name], measured) for name, measured in stalled.items() if measured]
    dropped, due = (sum(getattr(each.lag, name) for each in taken) for name in ("dropped", "due"))
    return BenchmarkResult(
        name="rate",
        title="rate: how late requests of a rate are, and what a stall does to latency, in ms",
        columns=("ms", *QUANTILES),
        rows=rows,
        settings={"settings": settings, "pinned_to_cores": cores, "target_ms": TARGET_MS},
        rounds=[asdict(each) for each in taken],
        figures={
            "rate_per_s": rate,
            "lag_ms": {name: spread(each[name] for each in lag) for name in QUANTILES},
            "timer_ms": {name: spread(each[name] for each in timers) for name in QUANTILES},
            "stall_ms": {
                name: {each: spread(one[each] for one in measured).median for each in QUANTILES}
                for name, measured in stalled.items()
                if measured
            },
        },
        notes=(
            f"that is half of what came, just before, of {TOO_MUCH:,}/s",
            f"of {due:,} arrivals at these rates, {dropped:,} were dropped",
            f"median (lowest-highest) of {settings.rounds} rounds, {settings.seconds} s each",
            f"the server stalled at {settings.stalled_rate:,}/s",
            "the peer is Vegeta"
            if stalled["vegeta"]
            else "there is no vegeta on the PATH, so the stall is compared with calculation alone",
        ),
        targets=_targets(lag, stalled),
    )


def _targets(
    lag: Sequence[Percentiles], stalled: Mapping[str, Sequence[Percentiles]]
) -> list[PerformanceTarget]:
    late = spread(each["p99"] for each in lag)
    (exact,) = stalled["exact"]
    intended = stalled["from_intended"]
    peers = stalled["vegeta"] or [exact for _ in intended]
    apart = spread(
        abs(one["p99.9"] / other["p99.9"] - 1) for one, other in zip(intended, peers, strict=True)
    )
    what = "p99 of how late requests are sent, at half of what the generator can do"
    return [
        PerformanceTarget(what, TARGET_MS, late, at_most=True, unit=" ms", held_by=HELD_BY),
        PerformanceTarget(
            "p99.9 of a stall of 1 s, apart from the peer's", TARGET_APART, apart, at_most=True
        ),
    ]


def _row(label: str, measured: Sequence[Percentiles]) -> tuple[str, ...]:
    return (label, *(spread(each[name] for each in measured).show(".1f") for name in QUANTILES))
