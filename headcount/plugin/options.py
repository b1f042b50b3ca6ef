"""The plugin's options on Locust's command line, in its environment and in its web form."""

import argparse
import math
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from locust import User
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.util.timespan import parse_timespan

from headcount.errors import UsageError
from headcount.kafka_settings.config_file import FILE_VARIABLE, registry_from_environment
from headcount.open_model.mix import check_names, parse_mix
from headcount.open_model.rate import RatePlan, parse_rate
from headcount.open_model.schedule import Spacing, parse_spacing
from headcount.plugin.message_options import (
    add_message_options,
    format_settings_of,
    id_settings_of,
)
from headcount.run.default_times import SETTLE_S, WATCH_FOR_S
from headcount.run.message_format import check_registry
from headcount.run.outcome_rules import split as split_rules
from headcount.run.trace_url import check_trace_url
from headcount.telemetry.export.export_settings import LINGER_S, linger_s, listen_address
from headcount.thresholds.grammar import Threshold, split
from headcount.time_span import seconds_of

FEWEST_USERS, MOST_USERS = 10, 1000
MOST_IN_FLIGHT = 1_000_000
DEFAULT_SERVERS = "127.0.0.1:9092"

RECORDED = (
    "num_users",
    "spawn_rate",
    "run_time",
    "processes",
    "expect_workers",
    "mix",
    "rate",
    "spacing",
    "max_in_flight",
    "tags",
    "exclude_tags",
    "stop_timeout",
)
"""The options that the manifest keeps; others may hold secrets, or do not affect the load."""


_RUN_OPTIONS = (
    (
        "--bootstrap-servers",
        "",
        (
            f"Headcount: Kafka brokers, as host:port,…; by default {DEFAULT_SERVERS}, or those "
            "that the Kafka settings name"
        ),
    ),
    ("--kafka-config", "", "Headcount: file with the settings of a Kafka client: TLS, login"),
    ("--topic", "events", "Headcount: the topic that the service publishes to"),
    ("--reports-dir", "reports", "Headcount: folder with one folder for each run"),
    (
        "--ledger",
        "",
        "Headcount: where to keep ledgers, such as s3://bucket/path; by default the run's folder",
    ),
    ("--run-id", "", "Headcount: the run's id; by default its start time and four characters"),
    ("--promise", "", "Headcount: what an acknowledgement guarantees, such as acks=all"),
)
"""Options for the parts of a run: flag, default and help. Environment variables set them, too."""

_INTERNAL_OPTIONS = (
    "--broker-data",
    "--database-file",
    "--default-run-time",
    # Where `headcount run` reads the progress that it shows.
    "--progress-file",
    # Whether `headcount run` exports the metrics.
    "--metrics-by-parent",
    # The run that the master prepared; workers receive these with their first users.
    "--prepared-run",
    "--prepared-tag",
    "--prepared-seed",
    "--prepared-telling",
    # How many requests `headcount probe` makes; no topic is read then.
    "--probe-requests",
)
"""Options that only Headcount sets."""

_LOAD_OPTIONS = (
    (
        "--seed",
        "",
        "Headcount: random seed, a whole number; the same seed makes the same requests again",
    ),
    ("--mix", "", "Headcount: task weights, such as default=5,sword=3; other tasks never run"),
    ("--thresholds", "", "Headcount: pass criteria, such as 'lost == 0 abort; http.p99 < 300ms'"),
    (
        "--outcome",
        "",
        "Headcount: what a response means, such as '202 = acked; json /ok == false = failed'",
    ),
    (
        "--settle",
        f"{SETTLE_S:g}s",
        "Headcount: time for acknowledged events to arrive after the last response, such as 10s",
    ),
    (
        "--watch-for",
        f"{WATCH_FOR_S:g}s",
        "Headcount: minimum time to watch the topic after the last response, such as 8s",
    ),
    (
        "--metrics-port",
        "",
        "Headcount: without a web UI, serve Prometheus metrics at this PORT or HOST:PORT",
    ),
    (
        "--metrics-linger",
        "",
        f"Headcount: longest wait for Prometheus to scrape the verdict; {LINGER_S:g}s by default",
    ),
)
"""The load and its judgement: flag, default and help."""


def add_options(parser: LocustArgumentParser) -> None:
    """Add the options; some are in the start form's own group (see `web/start_form.py`)."""
    for flag, default, text in _RUN_OPTIONS:
        _add(parser, flag, default, text, env_var=_variable(flag))
    for flag in _INTERNAL_OPTIONS:
        _add(parser, flag, "", argparse.SUPPRESS, env_var=_variable(flag))
    add_message_options(parser)
    for flag, default, text in _LOAD_OPTIONS:
        _add(parser, flag, default, text)
    parser.add_argument(
        "--verify",
        action="store_true",
        help="Headcount: verify the run when it is over, and exit with the verdict's code",
        env_var="HEADCOUNT_VERIFY",
        include_in_web_ui=False,
    )
    _add_rate_options(parser)


def _add(parser: LocustArgumentParser, flag: str, default: str, text: str, **more: str) -> None:
    parser.add_argument(flag, default=default, help=text, include_in_web_ui=False, **more)


def _variable(flag: str) -> str:
    return "HEADCOUNT_" + flag.strip("-").replace("-", "_").upper()


def _add_rate_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--rate",
        default="",
        help="Headcount: tasks started per second, regardless of response time, such as 500/s or "
        "0/s..500/s:1m,500/s:5m; users then only limit how many tasks run at once, and do not "
        "wait between tasks",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--spacing",
        choices=list(map(str, Spacing)),
        default=str(Spacing.CONSTANT),
        help="Headcount: with --rate, start tasks at even intervals, or at random as independent "
        "users would",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--max-in-flight",
        default="",
        help="Headcount: with --rate, the most tasks that run at once; by default, one per user",
        include_in_web_ui=False,
    )


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """The requested open load; `most_in_flight` is None if the users are the only limit."""

    plan: RatePlan
    spacing: Spacing
    most_in_flight: int | None

    @property
    def users(self) -> int:
        """The number of users needed: enough to absorb a one-second stall at the peak rate."""
        wanted = self.most_in_flight or math.ceil(self.plan.peak)
        return max(FEWEST_USERS, min(wanted, MOST_USERS))


def open_load_of(options: argparse.Namespace) -> OpenLoad | None:
    """Parse the requested rate; None without `--rate`. UsageError names the mistake."""
    rate, most = str(options.rate).strip(), str(options.max_in_flight).strip()
    if not rate:
        if most:
            raise UsageError("--max-in-flight needs --rate: add a rate, or leave the limit out")
        return None
    plan, spacing = parse_rate(rate), parse_spacing(str(options.spacing))
    if most and not (most.isascii() and most.isdigit() and 0 < int(most) <= MOST_IN_FLIGHT):
        raise UsageError(
            f"--max-in-flight must be a whole number from 1 to {MOST_IN_FLIGHT:,}, got {most!r}"
        )
    return OpenLoad(plan, spacing, int(most) if most else None)


def hand_on_kafka_config(environment: Environment) -> None:
    """Let this process and those that it starts read the file that `--kafka-config` names."""
    assert environment.parsed_options is not None
    path = environment.parsed_options.kafka_config
    if path:
        os.environ[FILE_VARIABLE] = str(Path(path).absolute())


def take_default_run_time(environment: Environment) -> None:
    """Apply the default run time if none was set, unless a load shape decides the end."""
    options = environment.parsed_options
    assert options is not None
    if options.default_run_time and not options.run_time and environment.shape_class is None:
        options.run_time = parse_timespan(options.default_run_time)


def seed_of(options: argparse.Namespace) -> int:
    """The requested seed, or a random one. UsageError if it is not a whole number."""
    text = str(options.seed).strip()
    if not text:
        return secrets.randbelow(1 << 32)
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--seed must be a whole number, got {text!r}") from None


def waits_of(options: argparse.Namespace) -> tuple[float, float]:
    """The settle time and the minimum watch time, in s. UsageError if either is invalid."""
    return seconds_of("--settle", options.settle), seconds_of("--watch-for", options.watch_for)


def check(options: argparse.Namespace, user_classes: Iterable[type[User]]) -> tuple[Threshold, ...]:
    """Check the options of the start form, and return the thresholds. UsageError if invalid."""
    seed_of(options)
    check_trace_url(options.trace_url, id_settings_of(options).form)
    check_registry(format_settings_of(options), lambda: registry_from_environment(os.environ).url)
    open_load_of(options)
    waits_of(options)
    listen_address(options.metrics_port)
    linger_s(options.metrics_linger)
    if options.mix:
        tasks = [task for user in user_classes for task in user.tasks]
        check_names(parse_mix(options.mix), tasks)
    split_rules(options.outcome)
    return split(options.thresholds)


def clock_offset_ns(environ: Mapping[str, str]) -> int:
    """This process's artificial clock skew in ns, from HEADCOUNT_CLOCK_OFFSET_MS.

    It simulates hosts whose clocks differ, so each process reads its own environment. UsageError if
    it is not a whole number.
    """
    text = environ.get("HEADCOUNT_CLOCK_OFFSET_MS", "0")
    try:
        return int(text) * 1_000_000
    except ValueError:
        raise UsageError(
            f"HEADCOUNT_CLOCK_OFFSET_MS must be a whole number, got {text!r}"
        ) from None


def recorded(options: argparse.Namespace) -> dict[str, Any]:
    """The options that the manifest keeps."""
    return {name: getattr(options, name, None) for name in RECORDED}


class HttpWay(StrEnum):
    """How requests with `event=` are sent."""

    LEAN = "lean"
    """Plain requests through the plugin's own transport."""
    GENERAL = "general"
    """All requests through Locust's session, to find out whether the transport has a bug."""


def http_way_of(environ: Mapping[str, str]) -> HttpWay:
    """Parse HEADCOUNT_HTTP from the generator's own environment. UsageError if invalid."""
    text = environ.get("HEADCOUNT_HTTP") or HttpWay.LEAN
    try:
        return HttpWay(text)
    except ValueError:
        ways = " or ".join(HttpWay)
        raise UsageError(f"HEADCOUNT_HTTP must be {ways}, got {text!r}") from None
