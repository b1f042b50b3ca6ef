"""The plugin's options on Locust's command line, in its environment and in its web form."""

import argparse
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from locust import User
from locust.argument_parser import LocustArgumentParser

from headcount.errors import UsageError
from headcount.ids import HEADER
from headcount.mix import check_names, parse_mix
from headcount.thresholds import Threshold, split

RECORDED = (
    "num_users",
    "spawn_rate",
    "run_time",
    "processes",
    "expect_workers",
    "mix",
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
        ("--run-id", "", "Headcount: the run's id; by default its start time and four letters"),
        ("--event-id-field", HEADER, "Headcount: the event's field that holds the request's id"),
        ("--promise", "", "Headcount: what an acknowledgement stands for, such as acks=all"),
        ("--broker-data", "", argparse.SUPPRESS),
        ("--database-file", "", argparse.SUPPRESS),
        # The run that the master has prepared; workers receive these with the first users.
        ("--prepared-run", "", argparse.SUPPRESS),
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
    ):
        parser.add_argument(flag, default="", help=text)
    parser.add_argument(
        "--verify",
        action="store_true",
        help="Headcount: judge the run when it is over, and end in the verdict's exit code",
        env_var="HEADCOUNT_VERIFY",
        include_in_web_ui=False,
    )


def seed_of(options: argparse.Namespace) -> int:
    """The seed that was asked for, or a new one. UsageError if it is no whole number."""
    text = str(options.seed).strip()
    if not text:
        return secrets.randbelow(1 << 32)
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--seed must be a whole number, got {text!r}") from None


def check(options: argparse.Namespace, user_classes: Iterable[type[User]]) -> tuple[Threshold, ...]:
    """See that seed, mix and thresholds are such, and return the last. UsageError says what not."""
    seed_of(options)
    if options.mix:
        tasks = [task for user in user_classes for task in user.tasks]
        check_names(parse_mix(options.mix), tasks)
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
