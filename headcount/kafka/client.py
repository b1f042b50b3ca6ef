"""A client of the cluster: connects by what servers it is given, and says why it cannot.

It is closed in every case, and every call ends within its time, also when no broker answers. Of
several, one that hangs is passed over; what only that one can answer ends with an error.
"""

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import kafka.errors
from kafka import KafkaAdminClient
from kafka.net.compat import KafkaNetClient

from headcount.errors import PartError, UsageError
from headcount.kafka import listener_probe

TIMEOUT_S = 30.0
LISTENING_WITHIN_S = 10.0
"""Where nobody listens at all, there is less to hope for than from a broker that is slow."""
RETRY_S = 0.1
SHORTEST_S = 1.0
"""What a broker is given to answer, even if the time is over."""
PATIENCE_S = 2.0
"""What it is given while there are others to ask."""
SILENT = "a connection opens, but nobody answers on it as a Kafka broker in plain text does"

# Without a handler the client's warnings would land on the user's terminal through logging's last
# resort; what matters of them is in our own messages.
logging.getLogger("kafka").addHandler(logging.NullHandler())


class NoSettingsError(kafka.errors.KafkaError):  # type: ignore[misc] # it has no types
    """A broker does not know a topic yet, or may not tell: the client keeps to itself which."""


@contextlib.contextmanager
def connected(
    bootstrap_servers: str,
    timeout_s: float,
    what: str,
    client_type: Callable[..., Any] = KafkaAdminClient,
    *,
    listening_within_s: float = LISTENING_WITHIN_S,
    **settings: Any,
) -> Iterator[Any]:
    """Connect for as long as the block lasts; `what` it does there is told where that fails.

    The client is an admin, or another of kafka-python's, with these settings.

    Raises:
        UsageError: The servers cannot be read.
        PartError: No broker answers, or it refuses.
    """
    servers, began_s = _servers(bootstrap_servers), time.monotonic()
    nobody = f"no Kafka broker answers at {bootstrap_servers} within"
    listening_within_s = min(timeout_s, listening_within_s)
    listening, reason = _listening(servers, began_s + listening_within_s)
    if not listening:
        raise PartError(f"{nobody} {listening_within_s:g} s: {reason}")
    usable = _usable(listening, bootstrap_servers, timeout_s)
    end_s = began_s + timeout_s
    settings = {"request_timeout_ms": int(timeout_s * 1000), **settings}
    try:
        client = _first_to_answer(
            usable, end_s, lambda server, end_s: _client(server, end_s, client_type, settings)
        )
    except kafka.errors.KafkaError as error:
        silent = isinstance(error, kafka.errors.KafkaTimeoutError)
        reason = SILENT if silent else _told(error)
        raise PartError(f"{nobody} {timeout_s:g} s: {reason}") from error
    try:
        yield client
    except kafka.errors.KafkaError as error:
        raise PartError(f"cannot {what} at {bootstrap_servers}: {_told(error)}") from error
    finally:
        client.close()


def _usable(servers: Sequence[str], bootstrap_servers: str, timeout_s: float) -> Sequence[str]:
    """Pass over servers that no client of ours can use. PartError says why, if none is left."""
    patience_s = min(listener_probe.PATIENCE_S, timeout_s / 4) / min(len(servers), 2)
    complaints = []
    for at, each in enumerate(servers):
        why = listener_probe.complaint(each, patience_s)
        if not why:
            return servers[at:]
        complaints.append(why)
    raise PartError(f"cannot use the Kafka brokers at {bootstrap_servers}: {complaints[0]}")


def _first_to_answer(brokers: Sequence[Any], end_s: float, ask: Callable[[Any, float], Any]) -> Any:
    """Ask one broker after the other: the client asks any of them, and waits for it alone.

    `ask` gets a broker and when to end. Those that say nothing are asked again, with more time in
    each round, until all of it is over. Where none answers, the last one's error is raised.
    """
    patience_s = PATIENCE_S if len(brokers) > 1 else float("inf")
    while True:
        last, is_silent = kafka.errors.KafkaError(), False
        for each in brokers:
            until_s = min(end_s, time.monotonic() + patience_s)
            try:
                return ask(each, until_s)
            except kafka.errors.KafkaError as error:
                last, is_silent = error, is_silent or time.monotonic() >= until_s
        if not is_silent or time.monotonic() >= end_s:
            raise last
        patience_s *= 2


def _client(
    server: str, end_s: float, client_type: Callable[..., Any], settings: dict[str, Any]
) -> Any:
    made: list[KafkaNetClient] = []

    def net_client(**given: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(**given))
        return made[-1]

    try:
        client = client_type(
            bootstrap_servers=[server],
            bootstrap_timeout_ms=_left_ms(end_s),
            kafka_client=net_client,
            **settings,
        )
        _join(made[-1], server, end_s)
    except kafka.errors.KafkaError:
        # The client's constructor leaves its thread running when it raises.
        for each in made:
            each.close()
        raise
    return client


def _join(client: KafkaNetClient, server: str, end_s: float) -> None:
    """Connect to a member of the cluster that answers; the server's own name is tried first.

    What any member may be asked, the client asks the one that it is connected to.
    """
    members = sorted(
        client.cluster.brokers(), key=lambda each: f"{each.host}:{each.port}" != server
    )
    _first_to_answer(
        members,
        end_s,
        lambda member, end_s: client.check_version(member.node_id, timeout_ms=_left_ms(end_s)),
    )


def _left_ms(end_s: float) -> int:
    return int(max(SHORTEST_S, end_s - time.monotonic()) * 1000)


def _servers(bootstrap_servers: str) -> list[str]:
    """The servers one by one, each of which names a host and a port."""
    if "@" in bootstrap_servers or "://" in bootstrap_servers:
        # It is not repeated, for it may hold a password.
        raise UsageError(
            "Kafka brokers are named as host:port[,host:port…], without protocol or password"
        )
    servers = [each.strip() for each in bootstrap_servers.split(",")]
    for each in servers:
        host, _, port = each.rpartition(":")
        if not host.strip("[]") or not port.isdecimal() or (":" in host and "]" not in host):
            raise UsageError(
                f"{bootstrap_servers!r} is not a broker list: write host:port[,host:port…]"
            )
    return servers


_TOLD = {
    NoSettingsError: "it tells none of the topic's settings; grant the user DescribeConfigs on it",
    kafka.errors.TopicAuthorizationFailedError: "the user may not use this topic; grant it",
    kafka.errors.ClusterAuthorizationFailedError: "the user may not do so; make the topic first",
    kafka.errors.InvalidReplicationFactorError: "it has fewer brokers than replicas are asked for",
    kafka.errors.InvalidTopicError: "a topic's name has up to 249 letters, digits, dots, _ and -",
    kafka.errors.InvalidPartitionsError: "a topic has at least 1 partition",
    kafka.errors.RequestTimedOutError: "the broker gave no answer in time",
    kafka.errors.KafkaTimeoutError: "the broker gave no answer in time",
}


def _told(error: kafka.errors.KafkaError) -> str:
    return _TOLD.get(type(error)) or f"{type(error).__name__}: {error}"


def _listening(servers: list[str], end_s: float) -> tuple[list[str], str]:
    """Wait until `end_s` for a server that accepts connections; say which do, and why others don't.

    None keeps the others waiting. The client would try for itself, but tells no reason, and leaves
    the sockets that failed open.
    """
    longest_s = PATIENCE_S if len(servers) > 1 else float("inf")
    while True:
        found, reason = [], ""
        for each in servers:
            host, _, port = each.rpartition(":")
            timeout_s = min(longest_s, max(0.1, end_s - time.monotonic()))
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
            else:
                found.append(each)
        if found or time.monotonic() >= end_s:
            return found, reason
        time.sleep(RETRY_S)
