"""The plugin's options on Locust's command line, in its environment and in its web form."""

import argparse
import math
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from locust import User
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.util.timespan import parse_timespan

from headcount.errors import UsageError
from headcount.open_model.mix import check_names, parse_mix
from headcount.open_model.rate import RatePlan, parse_rate
from headcount.open_model.schedule import Spacing, parse_spacing
from headcount.run.id_field import check_id_field
from headcount.run.ids import HEADER
from headcount.run.manifest import SETTLE_S, WATCH_FOR_S
from headcount.run.outcome_rules import split as split_rules
from headcount.thresholds.grammar import Threshold, split
from headcount.time_span import seconds_of

FEWEST_USERS, MOST_USERS = 10, 1000
MOST_IN_FLIGHT = 1_000_000

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
"""The options that the manifest keeps; the others may hold secrets or say nothing of the load."""


def add_options(parser: LocustArgumentParser) -> None:
    """Add the options; those that decide what is read and written are not in the web form."""
    for flag, default, text in (
        ("--bootstrap-servers", "127.0.0.1:9092", "Headcount: Kafka brokers, as host:port,…"),
        ("--topic", "events", "Headcount: the topic that the service publishes to"),
        ("--reports-dir", "reports", "Headcount: where runs are written to, one folder each"),
        (
            "--ledger",
            "",
            "Headcount: where ledgers are kept, as s3://bucket/path; by default the run's folder",
        ),
        ("--run-id", "", "Headcount: the run's id; by default its start time and four letters"),
        ("--event-id-field", HEADER, "Headcount: the event's field that holds the request's id"),
        ("--promise", "", "Headcount: what an acknowledgement stands for, such as acks=all"),
        ("--broker-data", "", argparse.SUPPRESS),
        ("--database-file", "", argparse.SUPPRESS),
        ("--default-run-time", "", argparse.SUPPRESS),
        # The run that the master has prepared; workers receive these with the first users.
        ("--prepared-run", "", argparse.SUPPRESS),
        ("--prepared-tag", "", argparse.SUPPRESS),
        ("--prepared-seed", "", argparse.SUPPRESS),
        ("--prepared-telling", "", argparse.SUPPRESS),
    ):
        variable = "HEADCOUNT_" + flag.strip("-").replace("-", "_").upper()
        parser.add_argument(
            flag, default=default, help=text, env_var=variable, include_in_web_ui=False
        )
    for flag, text in (
        ("--seed", "Headcount: a whole number; each generator makes the same requests again"),
        ("--mix", "Headcount: weights of the tasks, as default=5,sword=3; others are left out"),
        (
            "--thresholds",
            "Headcount: what the run must keep to, as 'lost == 0 abort; http.p99 < 300ms'",
        ),
        (
            "--outcome",
            "Headcount: what an answer stands for, as '202 = acked; json /ok == false = failed'",
        ),
    ):
        parser.add_argument(flag, default="", help=text)
    for flag, time_s, text in (
        ("--settle", SETTLE_S, "an acknowledged event may arrive before it is lost, as 10s"),
        ("--watch-for", WATCH_FOR_S, "the topic is watched at least, as 8s"),
    ):
        told = f"Headcount: how long after the last answer {text}"
        parser.add_argument(flag, default=f"{time_s:g}s", help=told)
    parser.add_argument(
        "--verify",
        action="store_true",
        help="Headcount: judge the run when it is over, and end in the verdict's exit code",
        env_var="HEADCOUNT_VERIFY",
        include_in_web_ui=False,
    )
    _add_rate_options(parser)


def _add_rate_options(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--rate",
        default="",
        help="Headcount: tasks begun in a second, however long they take, as 500/s or "
        "0/s..500/s:1m,500/s:5m; users are then the most that do one at once, and do not wait",
    )
    parser.add_argument(
        "--spacing",
        choices=list(map(str, Spacing)),
        default=str(Spacing.CONSTANT),
        help="Headcount: with --rate, tasks evenly apart, or at random as independent users begin "
        "them",
    )
    parser.add_argument(
        "--max-in-flight",
        default="",
        help="Headcount: with --rate, the most tasks at once; by default as many as users",
    )


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """What `--rate` and its companions ask for; `most_in_flight` is None where users are bound."""

    plan: RatePlan
    spacing: Spacing
    most_in_flight: int | None

    @property
    def users(self) -> int:
        """How many users it takes: those of a second at the peak, so that one may be stalled."""
        wanted = self.most_in_flight or math.ceil(self.plan.peak)
        return max(FEWEST_USERS, min(wanted, MOST_USERS))


def open_load_of(options: argparse.Namespace) -> OpenLoad | None:
    """Read what rate was asked for, if one was. UsageError names what is wrong with it."""
    rate, most = str(options.rate).strip(), str(options.max_in_flight).strip()
    if not rate:
        if most:
            raise UsageError(f"--max-in-flight goes with --rate; without it, leave out {most!r}")
        return None
    plan, spacing = parse_rate(rate), parse_spacing(str(options.spacing))
    if most and not (most.isascii() and most.isdigit() and 0 < int(most) <= MOST_IN_FLIGHT):
        raise UsageError(
            f"--max-in-flight must be a whole number from 1 to {MOST_IN_FLIGHT:,}, got {most!r}"
        )
    return OpenLoad(plan, spacing, int(most) if most else None)


def take_default_run_time(environment: Environment) -> None:
    """End a test for which no time was asked, but leave one with a load shape to the shape."""
    options = environment.parsed_options
    assert options is not None
    if options.default_run_time and not options.run_time and environment.shape_class is None:
        options.run_time = parse_timespan(options.default_run_time)


def seed_of(options: argparse.Namespace) -> int:
    """The seed that was asked for, or a new one. UsageError if it is no whole number."""
    text = str(options.seed).strip()
    if not text:
        return secrets.randbelow(1 << 32)
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--seed must be a whole number, got {text!r}") from None


def waits_of(options: argparse.Namespace) -> tuple[float, float]:
    """How long events may take to arrive, and the topic is watched, in s. UsageError if no time."""
    return seconds_of("--settle", options.settle), seconds_of("--watch-for", options.watch_for)


def check(options: argparse.Namespace, user_classes: Iterable[type[User]]) -> tuple[Threshold, ...]:
    """See that what the form asks for makes sense, and return the thresholds. UsageError if not."""
    seed_of(options)
    check_id_field(options.event_id_field)
    open_load_of(options)
    waits_of(options)
    if options.mix:
        tasks = [task for user in user_classes for task in user.tasks]
        check_names(parse_mix(options.mix), tasks)
    split_rules(options.outcome)
    return split(options.thresholds)


def clock_offset_ns(environ: Mapping[str, str]) -> int:
    """What this process's clock is to be off by, which no master decides for it.

    It stands in HEADCOUNT_CLOCK_OFFSET_MS, and rehearses hosts whose clocks differ. UsageError if
    it is no whole number.
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
    """Plain ones by the plugin's own transport."""
    GENERAL = "general"
    """All by Locust's session, to tell an error of the transport from one of a library."""


def http_way_of(environ: Mapping[str, str]) -> HttpWay:
    """Read HEADCOUNT_HTTP, which each generator takes from its own environment. UsageError."""
    text = environ.get("HEADCOUNT_HTTP") or HttpWay.LEAN
    try:
        return HttpWay(text)
    except ValueError:
        ways = " or ".join(HttpWay)
        raise UsageError(f"HEADCOUNT_HTTP must be {ways}, got {text!r}") from None
