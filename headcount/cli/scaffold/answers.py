"""The answers: what `headcount init` must know about a service and its CI."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from headcount.errors import UsageError

BODILESS = frozenset({"GET", "DELETE"})
METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")
_PATH = re.compile(r"/[^\s\"'\\\\]*")
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}")
_LOOPBACK = re.compile(r"(?i)localhost|127\..*|\[::1\]")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


class CiSystem(StrEnum):
    """Where the load test runs for each change."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ProjectAnswers:
    """A service, a request to it, and its CI.

    `body` is None for a request without one. `start` is the shell command that starts the service
    in CI, empty if it runs elsewhere.
    """

    host: str
    method: str
    path: str
    body: Any
    bootstrap_servers: str
    topic: str
    locustfile: str
    ci: CiSystem
    start: str

    @property
    def event_type(self) -> str:
        """A name for the request's events: the last word of its path."""
        words = [part for part in self.path.split("?")[0].split("/") if _WORD.fullmatch(part)]
        return words[-1].replace("-", "_") if words else "request"

    @property
    def has_local_service(self) -> bool:
        """Whether the service runs on the machine that sends the load."""
        return is_loopback(urlsplit(self.host).netloc)

    @property
    def has_local_brokers(self) -> bool:
        """Whether Kafka runs on the machine that sends the load."""
        return all(map(is_loopback, self.bootstrap_servers.split(",")))


def is_loopback(address: str) -> bool:
    """Whether a host, with or without a port, is this machine."""
    return _LOOPBACK.fullmatch(re.sub(r":\d+$", "", address)) is not None


def parse_path(path: str) -> str:
    """Check the path of a request, and return it. UsageError if it is invalid."""
    if not _PATH.fullmatch(path):
        raise UsageError(f"--path must begin with / and contain no spaces or quotes, got {path!r}")
    return path


def parse_body(text: str, method: str) -> Any:
    """Return a request's body; None without a body. UsageError if it is not a JSON object."""
    if method in BODILESS:
        return None
    try:
        body = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise UsageError(f"--body must be JSON, got {text!r}: {error}") from None
    if not isinstance(body, dict):
        raise UsageError(f"--body must be a JSON object, got {text!r}")
    return body


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parse_brokers(brokers: str) -> str:
    """Return a broker list without spaces. UsageError unless each broker is a host with a port."""
    parts = [part.strip() for part in brokers.split(",")]
    if not all(map(_BROKER.fullmatch, parts)):
        raise UsageError(f"--bootstrap-servers must be host:port[,host:port…], got {brokers!r}")
    return ",".join(parts)


def parse_new_topic(topic: str) -> str:
    """Check the name of a topic, and return it. UsageError if it is invalid."""
    if not _TOPIC.fullmatch(topic):
        raise UsageError(f"--topic may contain only letters, digits, dots, _ and -, got {topic!r}")
    return topic


def parse_start(command: str) -> str:
    """Return a shell command. UsageError if it has several lines."""
    if "\n" in command:
        raise UsageError("--start must be one line: put several commands into a script")
    return command.strip()
