"""The system under test: the user's own service and brokers, or parts to start."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click

from headcount.cli.options.groups import OptionGroup, gathered, grouped_option, in_order
from headcount.errors import UsageError
from headcount.http_url import is_http_url
from headcount.run.address import without_secrets
from headcount.stack.service import DEFAULT_APP

BROKERS_VARIABLE, TOPIC_VARIABLE = "HEADCOUNT_BOOTSTRAP_SERVERS", "HEADCOUNT_TOPIC"
"""The variables that Locust with the plugin reads, too."""


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """The service and brokers to use; a part that is None is started.

    `ack_guarantee` is what an acknowledgement of the service guarantees, empty if not stated.
    """

    bootstrap_servers: str | None
    host: str | None
    app: str
    topic: str
    partitions: int
    replication: int
    create_topic: bool
    acks: str | None
    idempotence: bool | None
    ack_guarantee: str
    secure: bool = False

    def check(self) -> None:
        """Raise UsageError if the host is not a URL."""
        if self.host is not None:
            check_host(self.host)

    @property
    def service_environ(self) -> dict[str, str]:
        """Variables that set how the game service publishes."""
        chosen = {}
        if self.acks is not None:
            chosen["SERVICE_ACKS"] = self.acks
        if self.idempotence is not None:
            chosen["SERVICE_IDEMPOTENCE"] = "on" if self.idempotence else "off"
        elif self.acks not in {None, "all"}:
            chosen["SERVICE_IDEMPOTENCE"] = "off"  # a producer is idempotent with acks=all only
        return chosen

    def stated_guarantee(self, environ: Mapping[str, str]) -> str:
        """Return what an acknowledgement guarantees: as the user states, or by the game's settings.

        Empty for a user's own service if nothing is stated.
        """
        if self.ack_guarantee or self.host is not None or self.app != DEFAULT_APP:
            return self.ack_guarantee
        settings = {**environ, **self.service_environ}
        switch = settings.get("SERVICE_IDEMPOTENCE", "on").lower()
        is_idempotent = switch in {"on", "true", "1", "yes"}
        acks = settings.get("SERVICE_ACKS", "all")
        return f"acks={acks}, {'idempotent' if is_idempotent else 'not idempotent'}"


_SERVICE = in_order(
    grouped_option(
        OptionGroup.TARGET,
        "--host",
        metavar="URL",
        envvar="HEADCOUNT_HOST",
        show_envvar=True,
        show_default="start the game, a demo service",
        help="Your service.",
    ),
    grouped_option(
        OptionGroup.TARGET,
        "--app",
        default=DEFAULT_APP,
        show_default=True,
        metavar="MODULE:NAME",
        help="WSGI application to start as the service.",
    ),
    grouped_option(
        OptionGroup.TARGET,
        "--acks",
        type=click.Choice(["all", "1", "0"]),
        show_default="all",
        help="Acknowledgements that the game's producer waits for.",
    ),
    grouped_option(
        OptionGroup.TARGET,
        "--idempotence/--no-idempotence",
        default=None,
        show_default="on with --acks all",
        help="Whether the game's producer is idempotent.",
    ),
    grouped_option(
        OptionGroup.TARGET,
        "--promise",
        "ack_guarantee",
        default="",
        metavar="TEXT",
        envvar="HEADCOUNT_PROMISE",
        show_default="the game's settings",
        help="What your service's acknowledgement guarantees.",
    ),
)

_TOPIC: Mapping[str, Any] = {
    "default": "events",
    "show_default": True,
    "metavar": "NAME",
    "envvar": TOPIC_VARIABLE,
    "show_envvar": True,
    "help": "Topic that the service publishes to.",
}

_BROKERS = in_order(
    grouped_option(
        OptionGroup.KAFKA,
        "--bootstrap-servers",
        metavar="HOST:PORT,…",
        envvar=BROKERS_VARIABLE,
        show_envvar=True,
        show_default="start one",
        help="Your Kafka brokers.",
    ),
    grouped_option(
        OptionGroup.KAFKA,
        "--secure",
        is_flag=True,
        help="Start the broker with TLS and a login, to try them out.",
    ),
)

_NEW_TOPIC = in_order(
    grouped_option(
        OptionGroup.KAFKA,
        "--create-topic",
        is_flag=True,
        help="Create the topic on your brokers if it is missing.",
    ),
    grouped_option(
        OptionGroup.KAFKA,
        "--partitions",
        type=click.IntRange(min=1),
        default=4,
        show_default=True,
        metavar="N",
        help="Partitions of the topic, if Headcount creates it.",
    ),
    grouped_option(
        OptionGroup.KAFKA,
        "--replication",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Replicas of the topic, if Headcount creates it.",
    ),
)


def with_target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and pass them on as `target_options`."""
    topic = grouped_option(OptionGroup.KAFKA, "--topic", **_TOPIC)
    gathering = gathered("target_options", TargetOptions)(command)
    return _SERVICE(in_order(_BROKERS, topic, _NEW_TOPIC)(gathering))


def with_topics_and_target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, with a --topic that can be repeated.

    They are passed on as `target_options`, which has the first topic, and `topics`.
    """
    attributes = {
        **_TOPIC,
        "multiple": True,
        "default": (_TOPIC["default"],),
        "show_default": _TOPIC["default"],
        "help": "Topic; repeatable with --broker-only.",
    }
    topic = grouped_option(OptionGroup.KAFKA, "--topic", "topics", **attributes)
    gathering = gathered("target_options", TargetOptions)(command)

    @functools.wraps(gathering)
    def with_first_topic(*, topics: tuple[str, ...], **options: Any) -> Any:
        return gathering(topic=topics[0], topics=topics, **options)

    return _SERVICE(in_order(_BROKERS, topic, _NEW_TOPIC)(with_first_topic))


def check_host(host: str) -> str:
    """Check a service's URL, and return it without a trailing slash. UsageError if invalid."""
    if not is_http_url(host):
        raise UsageError(f"--host must be http://… or https://…, got {without_secrets(host)!r}")
    parts = urlsplit(host)
    if "@" in parts.netloc and not (parts.username and parts.password):
        raise UsageError("--host has a user but no password: write https://USER:PASSWORD@…")
    return host.rstrip("/")
