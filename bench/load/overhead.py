"""`overhead`: throughput of a saturated generator with its ledger, and of Locust without one.

In alternating rounds, bare FastHttpUsers and LedgerUsers on one core send the same requests to a
responder on another. Both are saturated: the users never wait, and the server is faster than they
are.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headcount_analysis.ledger.run_ledger import ledger_parts

from bench.harness.figures import in_turn, ratio, spread
from bench.harness.parts import TOPIC, Workbench, finished, pin, two_cores
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from headcount.errors import PartError
from headcount.kafka.topic import ensure_topic
from headcount.ledger.reader import GeneratorLedger
from headcount.run.folder import RunFolder
from headcount.stack.ports import LOOPBACK, free_port, is_listening
from headcount.stack.process import Process, wait_until

HELD_BY = (
    "the remaining cost is Locust's task loop, events and statistics, and two system calls per "
    "request"
)
PROFILED = (
    "according to a profiler, FastHttpUser spends its time on encoding URL and headers for each "
    "request, on reading each response in parts through several layers, and on creating objects "
    "for both; LedgerUser avoids this for plain requests"
)
TARGET, AIM = 1.5, 2.2
"""k6's rate divided by FastHttpUser's: if k6 writes every sample, and without samples."""
VARIANTS = ("plain", "ledger")
START_DEADLINE_S = 180.0


@dataclass(frozen=True, slots=True)
class OverheadSettings:
    """Settings of the measurement; the window is a multiple of the ledger's flush interval."""

    rounds: int = 5
    users: int = 50
    warm_up_s: float = 3.0
    window_s: float = 6.0


@dataclass(frozen=True, slots=True)
class OverheadRound:
    """The requests and CPU time of one generator within its window."""

    variant: str
    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU time per request."""
        return self.cpu_seconds / self.requests * 1e6


RunRound = Callable[[OverheadSettings, Workbench, str, int, str], OverheadRound]
"""Runs one Locust; takes settings, workbench, variant, the round's number, the responder's URL."""


def measure(settings: OverheadSettings, stage: Workbench) -> BenchmarkResult:
    """Run the rounds, alternating the variants."""
    taken = taken_in_turn(settings, stage, VARIANTS, one_round)
    return _result(settings, taken, two_cores())


def taken_in_turn(
    settings: OverheadSettings, stage: Workbench, variants: Sequence[str], run_round: RunRound
) -> list[OverheadRound]:
    """Run all rounds, alternating the variants."""
    taken: list[OverheadRound] = []
    with pinned_responder(stage) as url:
        for number in range(settings.rounds):
            for variant in in_turn(variants, number):
                with stage.console.step(f"Round {number + 1} of {settings.rounds}: {variant}"):
                    taken.append(run_round(settings, stage, variant, number, url))
    return taken


@contextmanager
def pinned_responder(stage: Workbench) -> Iterator[str]:
    """Start a responder on the second core, where the broker is pinned, too; yield its URL."""
    ensure_topic(stage.broker.cluster, TOPIC, partitions=4)
    with responder(stage) as (server, url):
        if cores := two_cores():
            pin(server.pid, cores[1])
            pin(stage.broker.pid, cores[1])
        yield url


@contextmanager
def responder(stage: Workbench, *options: str) -> Iterator[tuple[Process, str]]:
    """Start a responder for the block; yield it and its URL."""
    port = free_port()
    with stage.start("the responder", "-m", "bench.load.responder", str(port), *options) as server:
        wait_until(lambda: is_listening(port), START_DEADLINE_S, "the responder listens", server)
        yield server, f"http://{LOOPBACK}:{port}"


def one_round(
    settings: OverheadSettings, stage: Workbench, variant: str, number: int, url: str
) -> OverheadRound:
    """Run one Locust. Raises PartError if a request failed or the ledger lacks one."""
    window = MeasuredLocust(settings, stage, f"{variant}-{number}", variant)
    options = ledger_options(stage, window.run_id) if variant == "ledger" else ()
    locust = window.started(f"bench/load/users/{variant}_players.py", url, *options)
    result = window.result(locust)
    if variant == "ledger":
        _check_ledger(stage.folder / window.run_id, result.requests)
    return result


@dataclass(frozen=True, slots=True)
class MeasuredLocust:
    """One saturated Locust, pinned to the first core, and the window in which it is measured."""

    settings: OverheadSettings
    stage: Workbench
    run_id: str
    variant: str

    @property
    def window_file(self) -> Path:
        """Where Locust writes what it counted."""
        return self.stage.folder / f"{self.run_id}.json"

    @property
    def ready_file(self) -> Path:
        """Where it says that it is warm, if it waits for a start file."""
        return self.window_file.with_suffix(".ready")

    def started(self, locustfile: str, url: str, *options: str) -> Process:
        """Start it."""
        settings = self.settings
        locust = self.stage.start(
            f"locust {self.run_id}",
            *("-m", "locust", "-f", locustfile, "--host", url),
            *("--headless", "-u", str(settings.users), "-r", str(settings.users)),
            *("--warm-up", str(settings.warm_up_s), "--window", str(settings.window_s)),
            *("--window-file", str(self.window_file), "--only-summary", "--loglevel", "WARNING"),
            *options,
        )
        if cores := two_cores():
            pin(locust.pid, cores[0])
        return locust

    def result(self, locust: Process) -> OverheadRound:
        """Wait for its end, and return what it counted. Raises PartError if a request failed."""
        settings = self.settings
        finished(locust, START_DEADLINE_S + settings.warm_up_s + settings.window_s)
        counted = json.loads(self.window_file.read_text(encoding="utf-8"))
        if counted["failures"]:
            raise PartError(f"{counted['failures']:.0f} requests failed: see {locust.log_path}")
        return OverheadRound(
            self.variant, int(counted["requests"]), counted["seconds"], counted["cpu_seconds"]
        )


def ledger_options(stage: Workbench, run_id: str) -> tuple[str, ...]:
    """Return Locust's options for a ledger in the workbench's folder."""
    servers = stage.broker.bootstrap_servers
    options = {"--bootstrap-servers": servers, "--topic": TOPIC, "--run-id": run_id}
    options |= {"--reports-dir": str(stage.folder), "--seed": "7"}
    return tuple(part for pair in options.items() for part in pair)


def ledger_of(run: Path) -> GeneratorLedger:
    """Read the ledger of a run with one generator."""
    folder = RunFolder(run)
    (part,) = ledger_parts(folder, folder.read_manifest())
    return part


def _check_ledger(run: Path, requests: int) -> None:
    """Check that the ledger is sealed and undamaged, and has at least the window's requests."""
    part = ledger_of(run)
    if part.seal is None or part.damage or part.seal.attempted < requests:
        raise PartError(f"the ledger of {run} does not hold its {requests} requests: {part}")


def _result(
    settings: OverheadSettings, taken: list[OverheadRound], cores: tuple[int, int] | None
) -> BenchmarkResult:
    by_variant = {
        name: [measured for measured in taken if measured.variant == name] for name in VARIANTS
    }
    rates = {
        name: [measured.per_second for measured in rounds] for name, rounds in by_variant.items()
    }
    costs = {name: [measured.cpu_us for measured in rounds] for name, rounds in by_variant.items()}
    share = ratio(rates["ledger"], rates["plain"])
    cpu_share = ratio(costs["plain"], costs["ledger"])
    rows = [
        (label, spread(rates[name]).show(), spread(costs[name]).show(".1f"))
        for name, label in (("plain", "FastHttpUser"), ("ledger", "LedgerUser with event="))
    ]
    rows.append(("ratio, with / without", share.show(".3f"), cpu_share.show(".3f")))
    return BenchmarkResult(
        name="overhead",
        title="overhead: requests per second of one generator, with the ledger and without",
        columns=("users", "requests/s", "CPU µs/request"),
        rows=rows,
        settings={"settings": settings, "pinned_to_cores": cores, "target": TARGET, "aim": AIM},
        rounds=[(measured, {"per_second": measured.per_second}) for measured in taken],
        figures={
            "requests_per_s": {name: spread(values) for name, values in rates.items()},
            "cpu_us_per_request": {name: spread(values) for name, values in costs.items()},
            "ratio": share,
            "cpu_ratio": cpu_share,
        },
        notes=(
            (
                f"for comparison: k6 reaches {TARGET} times FastHttpUser's rate with --out csv, "
                f"and {AIM} times without samples"
            ),
            f"median (lowest-highest) of {settings.rounds} rounds, {settings.window_s:g} s each",
            f"{settings.users} users without wait time; ratios are taken within each round",
            f"generator on core {cores[0]}, server on core {cores[1]}"
            if cores
            else "generator and server could not be pinned to separate cores",
            PROFILED,
        ),
        targets=(
            PerformanceTarget(
                "requests/s with the ledger, relative to FastHttpUser", TARGET, share
            ),
            PerformanceTarget("the same, long-term aim", AIM, share, held_by=HELD_BY),
        ),
    )
