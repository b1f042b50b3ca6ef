"""`service`: the cost of waiting for acknowledgements in the service.

The real service runs under gunicorn twice: once publishing through an idempotent producer with
acks=all, once with publishing switched off. Both run throughout and are loaded in turn: on
stateless routes, and on routes that change a player's state in SQLite. The targets apply to the
stateless ones.
"""

import http.client
import itertools
import json
import re
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.harness.figures import MedianRange, in_turn, ratio, spread
from bench.harness.parts import TOPIC, Workbench, finished, last_line
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.service.request_list import ROUTES, STATELESS, WRK_SCRIPT, requests_of, sign_ups, write
from headcount.errors import PartError
from headcount.kafka.topic import ensure_topic
from headcount.stack.process import Process
from headcount.stack.service import Server, ServerConfig

VARIANTS = ("off", "acknowledged")
TARGET_RATIO = 0.70  # at least, of requests per second
TARGET_P99_RATIO = 2.0  # at most
HELD_BY = (
    "kafka-python holds the interpreter lock for each record and each produce request, and the "
    "broker competes for the same cores"
)
WARM_UP_WINDOWS = 2  # before all rounds: the broker compiles its hot code at first
DEADLINE_S = 180.0
_WRK_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class ThroughputSettings:
    """Settings of the measurement; `threads` is the number per worker."""

    rounds: int = 5
    window_s: float = 5.0
    connections: tuple[int, ...] = (32, 256)
    workers: int = 2
    threads: int = 16
    path: str = "/"
    warm_up_s: float = 1.0


@dataclass(frozen=True, slots=True)
class ThroughputRound:
    """The answers in one window: `acknowledged` are 2xx, `other` everything else."""

    variant: str
    route: str
    connections: int
    acknowledged: int
    other: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Acknowledged requests per second."""
        return self.acknowledged / self.seconds


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """The load of a round: the server, the route and the number of connections."""

    variant: str
    server: Server
    route: str
    connections: int


def measure(settings: ThroughputSettings, stage: Workbench) -> BenchmarkResult:
    """Run the rounds for each number of connections and route, alternating the variants."""
    ensure_topic(stage.broker.cluster, TOPIC, partitions=4)
    for route in ROUTES:
        _write_requests(route, settings, stage)
    taken: list[ThroughputRound] = []
    with ExitStack() as stack:
        servers = {
            variant: stack.enter_context(_server(variant, settings, stage)) for variant in VARIANTS
        }
        for server in servers.values():
            _sign_up(server)
        with stage.console.step("warming up"):
            longer = replace(settings, window_s=WARM_UP_WINDOWS * settings.window_s)
            for variant, server in servers.items():
                _round(
                    LoadSpec(variant, server, STATELESS, max(settings.connections)), longer, stage
                )
        for connections, route in itertools.product(settings.connections, ROUTES):
            for number in range(settings.rounds):
                title = f"{connections} connections, {route}, round {number + 1}"
                with stage.console.step(f"{title} of {settings.rounds}"):
                    taken += [
                        _round(
                            LoadSpec(variant, servers[variant], route, connections), settings, stage
                        )
                        for variant in in_turn(VARIANTS, number)
                    ]
    return _result(settings, taken)


def _write_requests(route: str, settings: ThroughputSettings, stage: Workbench) -> None:
    path = _requests_path(route, stage)
    write(path, requests_of(route, settings.path))
    path.with_suffix(".lua").write_text(WRK_SCRIPT.format(path=path), encoding="utf-8")


def _requests_path(route: str, stage: Workbench) -> Path:
    return stage.folder / f"{route}.txt"


def _sign_up(server: Server) -> None:
    connection = http.client.HTTPConnection(server.config.host, server.port, timeout=DEADLINE_S)
    headers = {"Content-Type": "application/json"}
    for sign_up in sign_ups():
        connection.request(sign_up.method, sign_up.path, sign_up.body, headers)
        answer = connection.getresponse()
        if answer.status != http.client.CREATED:
            raise PartError(f"a player could not sign up: {answer.read().decode()}")
        answer.read()
    connection.close()


def _server(variant: str, settings: ThroughputSettings, stage: Workbench) -> Server:
    own = {"SERVICE_PUBLISH": "off" if variant == "off" else "on", "SERVICE_LOG_LEVEL": "warning"}
    own |= {"SERVICE_ACKS": "all", "SERVICE_IDEMPOTENCE": "on"}
    return Server(
        ServerConfig(
            bootstrap_servers=stage.broker.bootstrap_servers,
            topic=TOPIC,
            log_path=stage.folder / "logs" / f"service-{variant}.log",
            environ={**stage.ready.environ, **own},
            port=0,
            database=stage.folder / f"game-{variant}.sqlite3",
            workers=settings.workers,
            threads=settings.threads,
        )
    )


def _round(load: LoadSpec, settings: ThroughputSettings, stage: Workbench) -> ThroughputRound:
    take = _wrk if shutil.which("wrk") else _own_client
    taken = take(load, settings, stage)
    if taken.acknowledged == 0:
        raise PartError(f"the service acknowledged nothing: see {load.server.log_path}")
    return taken


def _own_client(load: LoadSpec, settings: ThroughputSettings, stage: Workbench) -> ThroughputRound:
    size = (load.connections, settings.warm_up_s, settings.window_s)
    target = (load.server.config.host, load.server.port, _requests_path(load.route, stage))
    client = stage.start("load", "-m", "bench.service.http_load", *map(str, (*target, *size)))
    finished(client, DEADLINE_S + settings.window_s)
    result = json.loads(last_line(client))
    other = result["refused"] + result["broken"]
    times = (result["seconds"], result["p50_ms"], result["p99_ms"])
    return ThroughputRound(
        load.variant, load.route, load.connections, result["acknowledged"], other, *times
    )


def _wrk(load: LoadSpec, settings: ThroughputSettings, stage: Workbench) -> ThroughputRound:
    """Run wrk; it has no warm-up option, so a short run precedes the measured one."""
    script = _requests_path(load.route, stage).with_suffix(".lua")
    for seconds in (settings.warm_up_s, settings.window_s):
        connections, span = f"-c{load.connections}", f"-d{max(1, round(seconds))}s"
        wrk = Process(
            "wrk",
            [
                "wrk",
                "-t1",
                connections,
                span,
                "--latency",
                "--timeout",
                "10s",
                "-s",
                script,
                load.server.url,
            ],
            log_path=stage.folder / "logs" / f"wrk-{seconds:g}.log",
            environ=stage.ready.environ,
        )
        finished(wrk, DEADLINE_S + seconds)
    output = wrk.log_path.read_text(encoding="utf-8")
    return wrk_round(load.variant, load.route, load.connections, output)


def wrk_round(variant: str, route: str, connections: int, output: str) -> ThroughputRound:
    """Parse wrk's output: its last summary, failed requests, and percentiles."""
    *_, summary = re.finditer(r"(\d+) requests in ([\d.]+)s", output)
    tail = output[summary.start() :]
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", tail)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", tail)
    other = (int(refused[1]) if refused else 0) + sum(map(int, errors.groups() if errors else ()))
    percentiles = {
        name: float(number) * _WRK_UNITS_MS[unit]
        for name, number, unit in re.findall(r" (50|99)%\s+([\d.]+)(us|ms|s)", output)
    }
    acknowledged = int(summary[1]) - (int(refused[1]) if refused else 0)
    times = (float(summary[2]), percentiles["50"], percentiles["99"])
    return ThroughputRound(variant, route, connections, acknowledged, other, *times)


def _result(settings: ThroughputSettings, taken: list[ThroughputRound]) -> BenchmarkResult:
    figures: dict[str, dict[str, object]] = {}
    rows: list[tuple[str, ...]] = []
    held: list[PerformanceTarget] = []
    for connections, route in itertools.product(settings.connections, ROUTES):
        off, on = (
            [
                one_round
                for one_round in taken
                if (one_round.variant, one_round.route, one_round.connections)
                == (variant, route, connections)
            ]
            for variant in VARIANTS
        )
        rates = [[one_round.per_second for one_round in rounds] for rounds in (off, on)]
        tails = [[one_round.p99_ms for one_round in rounds] for rounds in (off, on)]
        share, tail = ratio(rates[1], rates[0]), ratio(tails[1], tails[0])
        if route == STATELESS:
            held += _targets(connections, share, tail)
        rows += [
            (f"{connections} connections, {route}: off", *_row(rates[0], tails[0]), "1", "1"),
            (
                "    acknowledged",
                *_row(rates[1], tails[1]),
                *(share.show(".2f"), tail.show(".2f")),
            ),
        ]
        figures.setdefault(str(connections), {})[route] = {
            "requests_per_s": {"off": spread(rates[0]), "acknowledged": spread(rates[1])},
            "p99_ms": {"off": spread(tails[0]), "acknowledged": spread(tails[1])},
            "ratio": share,
            "p99_ratio": tail,
        }
    return BenchmarkResult(
        name="service",
        title="service: acknowledged requests/s, relative to the same app without publishing",
        columns=("service", "requests/s", "p99 ms", "ratio", "p99 ratio"),
        rows=rows,
        settings={**asdict(settings), "load": _load_name()},
        rounds=taken,
        figures=figures,
        notes=_notes(settings, taken),
        targets=held,
    )


def _targets(connections: int, share: MedianRange, tail: MedianRange) -> list[PerformanceTarget]:
    """The targets for the two ratios."""
    over = f"relative to publishing off, {connections} connections"
    return [
        PerformanceTarget(f"acknowledged requests {over}", TARGET_RATIO, share, held_by=HELD_BY),
        PerformanceTarget(f"p99 {over}", TARGET_P99_RATIO, tail, at_most=True, held_by=HELD_BY),
    ]


def _row(rates: list[float], tails: list[float]) -> tuple[str, str]:
    return spread(rates).show(), spread(tails).show(".1f")


def _notes(settings: ThroughputSettings, taken: list[ThroughputRound]) -> tuple[str, ...]:
    other = sum(one_round.other for one_round in taken)
    window = f"{settings.window_s:g} s"
    return (
        f"responses other than 2xx in these rounds: {other}",
        f"gunicorn, {settings.workers} workers of {settings.threads} threads; GET {settings.path}",
        "stateful: earnings, purchases, and adding to and removing from carts, on SQLite",
        f"load by {_load_name()}; acks=all, idempotent",
        f"median (lowest-highest) of {settings.rounds} alternating rounds of {window}",
        "ratios are taken within each round",
    )


def _load_name() -> str:
    return "wrk" if shutil.which("wrk") else "bench/service/http_load.py (wrk is not on PATH)"
