"""`metrics`: what reports and exported metrics cost a saturated generator.

Three Locusts run at the same time on the same core, so that other work on the machine slows
all three alike: one reports nothing, one reports its progress as in `headcount run`, and one
exports its metrics as well, to an endpoint for Prometheus that is scraped, and by OTLP. All else
runs on the other core: the responder, and the processes that watch the topic and export the
metrics.

Each of the three makes about a third of the requests that it would make on a core of its own, but
does the same work once a second. In one measurement, that work would therefore weigh three times as
much as it should. So each round has two loads: as many requests as possible, and few. Their CPU
times show what a request costs and what a second costs. Both costs tell how many requests per
second a generator would make on a core of its own.
"""

import contextlib
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bench.harness.figures import in_turn, ratio, spread
from bench.harness.parts import Workbench, pin, two_cores
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.load.overhead import (
    START_DEADLINE_S,
    MeasuredLocust,
    OverheadRound,
    OverheadSettings,
    ledger_options,
    pinned_responder,
)
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process, wait_until

TARGET, EXPORTER_LIMIT = 0.98, 1.0
"""The ratio of requests/s with metrics to without, and percent of a core for the exporter."""
NOTHING, REPORTED, EXPORTED = "nothing", "progress", "metrics"
VARIANTS = (NOTHING, REPORTED, EXPORTED)
SCRAPE_EVERY_S = 5.0
FULL, FEW = "full", "few"
PAUSES_S = {FULL: 0.0, FEW: 0.2}
"""How long each user waits after a request, by load."""
_CHILDREN = {"exporter": "headcount.telemetry.export.exporter", "watcher": "topic_watcher"}
"""The processes that a Locust starts: a name for each, and a part of its command line."""


@dataclass(frozen=True, slots=True)
class MetricsWindow:
    """One Locust within its window, and the CPU seconds of what it started."""

    generator: OverheadRound
    children_s: Mapping[str, float]

    @property
    def busy(self) -> float:
        """CPU seconds of the generator per second."""
        return self.generator.cpu_seconds / self.generator.seconds

    def percent(self, child: str) -> float:
        """Return the percentage of a core that a child used."""
        return self.children_s[child] / self.generator.seconds * 100


@dataclass(frozen=True, slots=True)
class MetricsRound:
    """One variant under both loads."""

    full: MetricsWindow
    few: MetricsWindow

    @property
    def request_s(self) -> float:
        """CPU seconds for each request."""
        rates = self.full.generator.per_second - self.few.generator.per_second
        return (self.full.busy - self.few.busy) / rates

    @property
    def second_s(self) -> float:
        """CPU seconds for each second, whatever the number of requests."""
        return self.few.busy - self.request_s * self.few.generator.per_second

    @property
    def alone_per_s(self) -> float:
        """Requests per second that a core of its own would allow."""
        return (1 - self.second_s) / self.request_s


@dataclass(frozen=True, slots=True)
class _Contender:
    window: MeasuredLocust
    process: Process
    port: int | None


def measure(settings: OverheadSettings, stage: Workbench) -> BenchmarkResult:
    """Run the rounds; every other one starts the variants in the opposite order."""
    taken: dict[str, list[MetricsRound]] = {name: [] for name in VARIANTS}
    with pinned_responder(stage) as url:
        for number in range(settings.rounds):
            by_load = {}
            for load in PAUSES_S:
                title = f"Round {number + 1} of {settings.rounds}: {load}"
                with stage.console.step(title):
                    by_load[load] = _one_window(settings, stage, load, number, url)
            for name, rounds in taken.items():
                rounds.append(MetricsRound(by_load[FULL][name], by_load[FEW][name]))
    return _result(settings, taken, two_cores())


def _one_window(
    settings: OverheadSettings, stage: Workbench, load: str, number: int, url: str
) -> dict[str, MetricsWindow]:
    """Run one Locust of each variant, all at once. Raises PartError if a request failed."""
    started = {
        name: _started(settings, stage, (name, load, number), url)
        for name in in_turn(VARIANTS, number)
    }
    for locust in started.values():
        ready = locust.window.ready_file
        wait_until(ready.exists, START_DEADLINE_S, f"{ready} exists", locust.process)
        _pin_children(locust.process)
        _await_idle_exporter(locust)
    before = {name: _children_s(locust.process) for name, locust in started.items()}
    _start_file(stage, load, number).touch()
    _scrape_for(settings.window_s, [locust.port for locust in started.values() if locust.port])
    after = {name: _children_s(locust.process) for name, locust in started.items()}
    return {
        name: MetricsWindow(
            locust.window.result(locust.process),
            {child: after[name][child] - before[name][child] for child in _CHILDREN},
        )
        for name, locust in started.items()
    }


def _start_file(stage: Workbench, load: str, number: int) -> Path:
    return stage.folder / f"metrics-{load}-{number}.start"


def _started(
    settings: OverheadSettings, stage: Workbench, which: tuple[str, str, int], url: str
) -> _Contender:
    """Start one Locust; `which` is its variant, its load and its round."""
    variant, load, number = which
    run_id = f"metrics-{variant}-{load}-{number}"
    port = free_port() if variant == EXPORTED else None
    options = ["--start-file", str(_start_file(stage, load, number))]
    options += ["--pause", str(PAUSES_S[load]), *ledger_options(stage, run_id)]
    if variant != NOTHING:
        options += ["--progress-file", str(stage.folder / f"{run_id}.progress")]
    variables = {"PYTHONHASHSEED": "0"}
    if port is not None:
        options += ["--metrics-port", str(port)]
        variables["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = url
    ready = replace(stage.ready, environ={**stage.ready.environ, **variables})
    window = MeasuredLocust(settings, replace(stage, ready=ready), run_id, variant)
    process = window.started("bench/load/users/ledger_players.py", url, *options)
    return _Contender(window, process, port)


def _pin_children(locust: Process) -> None:
    """Pin what a Locust has started to the second core."""
    if cores := two_cores():
        for child in psutil.Process(locust.pid).children(recursive=True):
            pin(child.pid, cores[1])


def _children_s(locust: Process) -> dict[str, float]:
    """Return the CPU seconds so far of each child; 0 for one that it has not started."""
    seconds = dict.fromkeys(_CHILDREN, 0.0)
    for child in psutil.Process(locust.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            command, times = " ".join(child.cmdline()), child.cpu_times()
            for name, part in _CHILDREN.items():
                if part in command:
                    seconds[name] += times.user + times.system
    return seconds


def _await_idle_exporter(locust: _Contender) -> None:
    """Wait until the exporter, if any, has started: that takes half a second of CPU."""
    if locust.port is None:
        return
    deadline_s = time.monotonic() + START_DEADLINE_S
    used_s = -1.0
    while _children_s(locust.process)["exporter"] > used_s and time.monotonic() < deadline_s:
        used_s = _children_s(locust.process)["exporter"]
        time.sleep(1)
        _scrape(locust.port)


def _scrape(port: int) -> None:
    """Scrape an endpoint; nothing if it does not listen yet."""
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=9) as response,
    ):
        response.read()


def _scrape_for(seconds: float, ports: Sequence[int]) -> None:
    """Scrape endpoints for a time, as Prometheus does."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        for port in ports:
            _scrape(port)
        time.sleep(min(SCRAPE_EVERY_S, left_s))


def _result(
    settings: OverheadSettings,
    taken: Mapping[str, Sequence[MetricsRound]],
    cores: tuple[int, int] | None,
) -> BenchmarkResult:
    alone = {name: [result.alone_per_s for result in rounds] for name, rounds in taken.items()}
    shares = {name: ratio(alone[name], alone[NOTHING]) for name in VARIANTS}
    exporter = spread(result.full.percent("exporter") for result in taken[EXPORTED])
    return BenchmarkResult(
        name="metrics",
        title="metrics: requests per second of one generator, by what it reports",
        columns=(
            *("reports", "requests/s", "relative", "CPU µs/request", "CPU ms/s"),
            *("exporter, % of a core", "topic watcher, % of a core"),
        ),
        rows=[_row(name, taken[name], alone[name], shares[name].show(".3f")) for name in VARIANTS],
        settings={"settings": settings, "pinned_to_cores": cores, "target": TARGET},
        rounds=[result for rounds in taken.values() for result in rounds],
        figures={
            "requests_per_s": {name: spread(values) for name, values in alone.items()},
            "ratio": shares[EXPORTED],
            "ratio_of_progress": shares[REPORTED],
            "exporter_percent": exporter,
        },
        notes=_notes(settings, cores),
        targets=(
            PerformanceTarget(
                "requests/s with metrics exported, relative to a generator that reports nothing",
                TARGET,
                shares[EXPORTED],
            ),
            PerformanceTarget(
                "the exporter's share of a core", EXPORTER_LIMIT, exporter, at_most=True, unit=" %"
            ),
        ),
    )


def _row(
    name: str, rounds: Sequence[MetricsRound], alone: Sequence[float], share: str
) -> tuple[str, ...]:
    return (
        name,
        spread(alone).show(),
        share,
        spread(result.request_s * 1e6 for result in rounds).show(".2f"),
        spread(result.second_s * 1e3 for result in rounds).show(".1f"),
        spread(result.full.percent("exporter") for result in rounds).show(".2f"),
        spread(result.full.percent("watcher") for result in rounds).show(".2f"),
    )


def _notes(settings: OverheadSettings, cores: tuple[int, int] | None) -> tuple[str, ...]:
    users, pause = f"{settings.users} users", f"{PAUSES_S[FEW]:g} s"
    return (
        f"median (lowest-highest) of {settings.rounds} rounds, {settings.window_s:g} s each",
        "the three run at the same time on the same core; ratios are taken within each round",
        "requests/s: the rate with a core of its own, computed from the CPU times in the table",
        f"each round has two loads: {users} without a pause, and {users} with a pause of {pause}",
        "the CPU times of the two loads give the cost of a request and of a second",
        f"{REPORTED}: what `headcount run` reports while it runs, which needs the topic watcher",
        f"{EXPORTED}: the same as {REPORTED}, plus a scrape every {SCRAPE_EVERY_S:g} s, and OTLP",
        "OTLP sends at its default interval",
        f"generators on core {cores[0]}, everything else on core {cores[1]}"
        if cores
        else "generators and the rest could not be pinned to separate cores",
    )
