"""A client of the cluster: connects to a list of servers, and says why it cannot.

The client is always closed, and every call ends within its timeout, even if no broker answers. A
broker that hangs is skipped if there are others; a request that only it can answer fails.
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
from headcount.kafka.cluster import Cluster
from headcount.kafka.permissions import Operation, how_to_grant
from headcount.kafka_settings import kafka_python

TIMEOUT_S = 30.0
LISTENING_WITHIN_S = 10.0
"""How long to wait if nothing listens at all.

Less than for a slow broker, because waiting is less likely to help.
"""
RETRY_S = 0.1
SHORTEST_S = 1.0
"""How long a broker may always take to answer, even if the timeout is over."""
FIRST_TIMEOUT_S = 2.0
"""The first timeout of a broker while there are others to ask."""
SILENT = "the port accepts connections, but does not answer Kafka requests"

# Without a handler the client's warnings would land on the user's terminal through logging's last
# resort; our own messages say what matters.
logging.getLogger("kafka").addHandler(logging.NullHandler())


@contextlib.contextmanager
def connected(
    cluster: Cluster,
    timeout_s: float,
    what: str,
    client_type: Callable[..., Any] = KafkaAdminClient,
    *,
    listening_within_s: float = LISTENING_WITHIN_S,
    needs: tuple[Operation, str] | None = None,
    **settings: Any,
) -> Iterator[Any]:
    """Connect while the block runs; `what` names its purpose in an error.

    `needs` is the operation that the block needs, and its topic: if the user lacks this right, the
    error says how to grant it.

    `client_type` is a class of kafka-python's clients, the admin client by default; `settings` are
    added to those of the cluster.

    Raises:
        UsageError: The list of servers is not valid.
        PartError: No broker answers, or it refuses.
    """
    servers, began_s = _servers(cluster.bootstrap_servers), time.monotonic()
    no_answer = f"no Kafka broker answered at {cluster} within"
    listening_within_s = min(timeout_s, listening_within_s)
    listening, reason = _listening(servers, began_s + listening_within_s)
    if not listening:
        raise PartError(f"{no_answer} {listening_within_s:g} s: {reason}")
    usable = _usable(listening, cluster, timeout_s)
    end_s = began_s + timeout_s
    settings = {
        "request_timeout_ms": int(timeout_s * 1000),
        **kafka_python.client_options(cluster.settings),
        **settings,
    }
    try:
        client = _first_to_answer(
            usable, end_s, lambda server, end_s: _client(server, end_s, client_type, settings)
        )
    except kafka.errors.KafkaError as error:
        silent = isinstance(error, kafka.errors.KafkaTimeoutError)
        reason = SILENT if silent else _message(error, cluster)
        raise PartError(f"{no_answer} {timeout_s:g} s: {reason}") from error
    try:
        yield client
    except kafka.errors.KafkaError as error:
        reason = _message(error, cluster, needs)
        raise PartError(f"cannot {what} at {cluster}: {reason}") from error
    finally:
        client.close()


def _usable(servers: Sequence[str], cluster: Cluster, timeout_s: float) -> Sequence[str]:
    """Return the first server that our clients can use, and all after it. PartError if none."""
    patience_s = min(listener_probe.ANSWER_TIMEOUT_S, timeout_s / 4) / min(len(servers), 2)
    reasons = []
    for index, server in enumerate(servers):
        reason = listener_probe.why_unusable(server, cluster.settings, patience_s)
        if not reason:
            return servers[index:]
        reasons.append(reason)
    raise PartError(f"cannot use the Kafka brokers at {cluster}: {reasons[0]}")


def _first_to_answer(brokers: Sequence[Any], end_s: float, ask: Callable[[Any, float], Any]) -> Any:
    """Ask one broker after another, because the client itself waits for just one of them.

    `ask` takes a broker and a deadline. If one is silent, all are asked again, with more time in
    each round, until `end_s`. If none answers, the last error is raised.
    """
    patience_s = FIRST_TIMEOUT_S if len(brokers) > 1 else float("inf")
    while True:
        last, is_silent = kafka.errors.KafkaError(), False
        for broker in brokers:
            until_s = min(end_s, time.monotonic() + patience_s)
            try:
                return ask(broker, until_s)
            except kafka.errors.KafkaError as error:
                last, is_silent = error, is_silent or time.monotonic() >= until_s
        if not is_silent or time.monotonic() >= end_s:
            raise last
        patience_s *= 2


def _client(
    server: str, end_s: float, client_type: Callable[..., Any], settings: dict[str, Any]
) -> Any:
    net_clients: list[KafkaNetClient] = []

    def net_client(**options: Any) -> KafkaNetClient:
        net_clients.append(KafkaNetClient(**options))
        return net_clients[-1]

    try:
        client = client_type(
            bootstrap_servers=[server],
            bootstrap_timeout_ms=_left_ms(end_s),
            kafka_client=net_client,
            **settings,
        )
        _join(net_clients[-1], server, end_s)
    except kafka.errors.KafkaError:
        # The client's constructor leaves its thread running when it raises.
        for created in net_clients:
            created.close()
        raise
    return client


def _join(client: KafkaNetClient, server: str, end_s: float) -> None:
    """Connect to a member of the cluster that answers, trying the server itself first.

    The client then sends this member all requests that need no particular member.
    """
    members = sorted(
        client.cluster.brokers(), key=lambda member: f"{member.host}:{member.port}" != server
    )
    _first_to_answer(
        members,
        end_s,
        lambda member, end_s: client.check_version(member.node_id, timeout_ms=_left_ms(end_s)),
    )


def _left_ms(end_s: float) -> int:
    return int(max(SHORTEST_S, end_s - time.monotonic()) * 1000)


def _servers(bootstrap_servers: str) -> list[str]:
    """Split the list of servers, each of which names a host and a port."""
    if "@" in bootstrap_servers or "://" in bootstrap_servers:
        # The message does not repeat it: it may hold a password.
        raise UsageError(
            "write Kafka brokers as host:port[,host:port…], without a protocol or a password"
        )
    servers = [server.strip() for server in bootstrap_servers.split(",")]
    for server in servers:
        host, _, port = server.rpartition(":")
        if not host.strip("[]") or not port.isdecimal() or (":" in host and "]" not in host):
            raise UsageError(
                f"{bootstrap_servers!r} is not a broker list: write host:port[,host:port…]"
            )
    return servers


_MESSAGES = {
    kafka.errors.InvalidReplicationFactorError: (
        "the cluster has fewer brokers than the requested number of replicas"
    ),
    kafka.errors.InvalidTopicError: "a topic's name must be 1 to 249 letters, digits, dots, _ or -",
    kafka.errors.InvalidPartitionsError: "a topic must have at least 1 partition",
    kafka.errors.RequestTimedOutError: "the broker did not answer in time",
    kafka.errors.KafkaTimeoutError: "the broker did not answer in time",
}


DENIED = (
    kafka.errors.TopicAuthorizationFailedError,
    kafka.errors.ClusterAuthorizationFailedError,
)
"""The errors of a user who lacks a right."""


def _message(
    error: kafka.errors.KafkaError, cluster: Cluster, needs: tuple[Operation, str] | None = None
) -> str:
    if isinstance(error, DENIED) and needs is not None:
        return f"the user lacks the right {needs[0]}; {how_to_grant(cluster, *needs)}"
    text = _MESSAGES.get(type(error)) or f"{type(error).__name__}: {error}"
    return cluster.settings.masked(text)


def _listening(servers: list[str], end_s: float) -> tuple[list[str], str]:
    """Wait until `end_s` for servers that accept connections; return them, and why others do not.

    A silent server delays the next one by FIRST_TIMEOUT_S at most. Kafka's client would also wait,
    but gives no reason for a failure, and leaves failed sockets open.
    """
    longest_s = FIRST_TIMEOUT_S if len(servers) > 1 else float("inf")
    while True:
        accepting, reason = [], ""
        for server in servers:
            host, _, port = server.rpartition(":")
            timeout_s = min(longest_s, max(0.1, end_s - time.monotonic()))
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
            else:
                accepting.append(server)
        if accepting or time.monotonic() >= end_s:
            return accepting, reason
        time.sleep(RETRY_S)
