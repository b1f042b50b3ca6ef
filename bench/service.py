"""`service`: what it costs the service to wait for acknowledgements.

The real service under gunicorn, publishing with acks=all by an idempotent producer, and the same
one with publishing switched off, both up all the time and under load in turn.
"""

import json
import re
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from bench.figures import in_turn, ratio, spread
from bench.parts import TOPIC, Stage, finished
from bench.result import Result
from headcount.errors import PartError
from headcount.stack.process import Process
from headcount.stack.server import Server, ServerConfig
from headcount.stack.topic import ensure_topic

VARIANTS = ("off", "acknowledged")
NAIVE_RATIO = 0.42
DEADLINE_S = 60.0
_WRK_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Settings:
    """How it is measured; `threads` are those of each worker."""

    rounds: int = 5
    window_s: float = 5.0
    connections: tuple[int, ...] = (32, 64)
    workers: int = 2
    threads: int = 16
    path: str = "/"
    warm_up_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Round:
    """What was answered in one window: 2xx are acknowledged, everything else is not."""

    variant: str
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


def measure(settings: Settings, stage: Stage) -> Result:
    """Take the rounds of each number of connections, one variant after the other."""
    ensure_topic(stage.broker.bootstrap_servers, TOPIC, partitions=4)
    taken: list[Round] = []
    with ExitStack() as stack:
        servers = {
            variant: stack.enter_context(_server(variant, settings, stage)) for variant in VARIANTS
        }
        for connections in settings.connections:
            for number in range(settings.rounds):
                title = f"{connections} connections, round {number + 1} of {settings.rounds}"
                with stage.console.step(title):
                    taken += [
                        _round(variant, connections, servers[variant], settings, stage)
                        for variant in in_turn(VARIANTS, number)
                    ]
    return _result(settings, taken)


def _server(variant: str, settings: Settings, stage: Stage) -> Server:
    own = {"SERVICE_PUBLISH": "off" if variant == "off" else "on", "SERVICE_LOG_LEVEL": "warning"}
    own |= {"SERVICE_ACKS": "all", "SERVICE_IDEMPOTENCE": "on"}
    return Server(
        ServerConfig(
            bootstrap_servers=stage.broker.bootstrap_servers,
            topic=TOPIC,
            log_path=stage.folder / "logs" / f"service-{variant}.log",
            environ={**stage.ready.environ, **own},
            port=0,
            workers=settings.workers,
            threads=settings.threads,
        )
    )


def _round(
    variant: str, connections: int, server: Server, settings: Settings, stage: Stage
) -> Round:
    load = _wrk if shutil.which("wrk") else _own_client
    taken = load(variant, connections, server, settings, stage)
    if taken.acknowledged == 0:
        raise PartError(f"the service acknowledged nothing: see {server.log_path}")
    return taken


def _own_client(
    variant: str, connections: int, server: Server, settings: Settings, stage: Stage
) -> Round:
    wish = (settings.path, connections, settings.warm_up_s, settings.window_s)
    where = (server.config.host, server.port)
    client = stage.start("load", "-m", "bench.http_load", *map(str, (*where, *wish)))
    finished(client, DEADLINE_S + settings.window_s)
    said = json.loads(_last_line(client))
    other = said["refused"] + said["broken"]
    times = (said["seconds"], said["p50_ms"], said["p99_ms"])
    return Round(variant, connections, said["acknowledged"], other, *times)


def _wrk(variant: str, connections: int, server: Server, settings: Settings, stage: Stage) -> Round:
    """Let wrk do it; it knows no warm-up, so it gets a short run before the one that counts."""
    url = f"{server.url}{settings.path}"
    for seconds in (settings.warm_up_s, settings.window_s):
        wrk = Process(
            "wrk",
            ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", url],
            log_path=stage.folder / "logs" / f"wrk-{seconds:g}.log",
            environ=stage.ready.environ,
        )
        finished(wrk, DEADLINE_S + seconds)
    return wrk_round(variant, connections, wrk.log_path.read_text(encoding="utf-8"))


def wrk_round(variant: str, connections: int, said: str) -> Round:
    """Read what wrk printed last: requests and seconds, what was no 2xx, and percentiles."""
    *_, summary = re.finditer(r"(\d+) requests in ([\d.]+)s", said)
    tail = said[summary.start() :]
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", tail)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", tail)
    other = (int(refused[1]) if refused else 0) + sum(map(int, errors.groups() if errors else ()))
    percentiles = {
        name: float(number) * _WRK_UNITS_MS[unit]
        for name, number, unit in re.findall(r" (50|99)%\s+([\d.]+)(us|ms|s)", said)
    }
    acknowledged = int(summary[1]) - (int(refused[1]) if refused else 0)
    times = (float(summary[2]), percentiles["50"], percentiles["99"])
    return Round(variant, connections, acknowledged, other, *times)


def _last_line(process: Process) -> str:
    return process.log_path.read_text(encoding="utf-8").strip().splitlines()[-1]


def _result(settings: Settings, taken: list[Round]) -> Result:
    figures, rows = {}, []
    for connections in settings.connections:
        off, on = (
            [each for each in taken if (each.variant, each.connections) == (variant, connections)]
            for variant in VARIANTS
        )
        rates = [[each.per_second for each in found] for found in (off, on)]
        tails = [[each.p99_ms for each in found] for found in (off, on)]
        share = ratio(rates[1], rates[0])
        rows += [
            (f"{connections} connections: publishing off", *_row(rates[0], tails[0]), "1"),
            ("    acknowledged", *_row(rates[1], tails[1]), share.show(".2f")),
        ]
        figures[str(connections)] = {
            "requests_per_s": {"off": spread(rates[0]), "acknowledged": spread(rates[1])},
            "p99_ms": {"off": spread(tails[0]), "acknowledged": spread(tails[1])},
            "ratio": share,
            "p99_ratio": ratio(tails[1], tails[0]),
        }
    return Result(
        name="service",
        title="service: acknowledged requests per second, over the same app without publishing",
        columns=("service", "requests/s", "p99 ms", "ratio"),
        rows=rows,
        settings={**asdict(settings), "naive_ratio": NAIVE_RATIO, "load": _load_name()},
        rounds=taken,
        figures=figures,
        notes=_notes(settings, taken),
    )


def _row(rates: list[float], tails: list[float]) -> tuple[str, str]:
    return spread(rates).show(), spread(tails).show(".1f")


def _notes(settings: Settings, taken: list[Round]) -> tuple[str, ...]:
    other = sum(each.other for each in taken)
    return (
        f"naive code gives a ratio of {NAIVE_RATIO}; answers other than 2xx: {other}",
        f"gunicorn, {settings.workers} workers of {settings.threads} threads; GET {settings.path}",
        f"load by {_load_name()}; acks=all, idempotent",
        f"median (lowest-highest) of {settings.rounds} rounds in turn of {settings.window_s:g} s",
        "the ratio is of each round's pair",
    )


def _load_name() -> str:
    return "wrk" if shutil.which("wrk") else "bench/http_load.py (wrk is not on PATH)"
