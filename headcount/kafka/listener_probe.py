"""Probes what answers at an address that should be a Kafka broker's.

A Kafka client that is refused or misled tries again until its timeout, and then gives no reason.
A few requests of Kafka's own protocol find the reason within seconds.
"""

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from headcount.kafka import login, tls_errors
from headcount.kafka.broker_protocol import (
    NoKafkaError,
    advertised_brokers,
    api_versions,
    offered_mechanisms,
)
from headcount.kafka_settings.kafka_python import tls_context
from headcount.kafka_settings.settings import PLAINTEXT, KafkaSettings

ANSWER_TIMEOUT_S = 3.0
"""How long to wait for the answer of a listener before it counts as silent."""

_SHOWN = 40
_MOST_AT_ONCE = 32
ADVERTISED = "set advertised.listeners of the brokers to addresses that this machine can reach"
_IN_SETTINGS = "in the file that --kafka-config names"


def why_unusable(
    server: str, settings: KafkaSettings = PLAINTEXT, patience_s: float = ANSWER_TIMEOUT_S
) -> str:
    """Return why a client with these settings cannot use the listener at `host:port`.

    Empty if it can, or if that is not certain: nothing answers in time, or a broker is starting or
    stopping.
    """
    try:
        return _why_not(server, settings, patience_s)
    except TimeoutError:
        return _why_silent(server, settings, patience_s)
    except ssl.SSLCertVerificationError as error:
        return f"{server}: its certificate {tls_errors.why_untrusted(error)}"
    except ssl.SSLError as error:
        return _why_no_tls(server, settings, patience_s, error)
    except NoKafkaError as error:
        return _why_foreign(server, settings, patience_s, error.beginning)
    except (OSError, struct.error):
        return _why_refused(server, settings, patience_s)


def _why_not(server: str, settings: KafkaSettings, patience_s: float) -> str:
    with _connected(server, settings, patience_s) as connection:
        versions = api_versions(connection)
        if settings.protocol.has_login:
            reason = login.why_refused(connection, settings)
            if reason:
                return f"{server} {settings.masked(reason)}"
        brokers = advertised_brokers(connection, versions)
    return _why_unreachable(server, brokers, settings, patience_s)


def _why_unreachable(
    server: str, brokers: Sequence[tuple[str, int]], settings: KafkaSettings, patience_s: float
) -> str:
    """Return why the advertised addresses cannot be used; empty if one of them can.

    All are tried at once, because each may be silent for as long as our patience lasts.
    """

    def why_not(broker: tuple[str, int]) -> str:
        host, port = broker
        problem = why_no_connection(host, port, patience_s)
        if problem:
            return f"{host}:{port}, {problem}: {ADVERTISED}"
        problem = _why_untrusted(f"{host}:{port}", settings, patience_s)
        return problem and f"{host}:{port}, {problem}"

    if not brokers or server in {f"{host}:{port}" for host, port in brokers}:
        return ""
    with ThreadPoolExecutor(min(len(brokers), _MOST_AT_ONCE)) as pool:
        reasons = list(pool.map(why_not, brokers))
    return f"the brokers advertise themselves as {reasons[0]}" if all(reasons) else ""


def _why_untrusted(address: str, settings: KafkaSettings, patience_s: float) -> str:
    """Return why a broker's certificate is not accepted; empty if it is, or if that is unknown."""
    try:
        with _connected(address, settings, patience_s):
            return ""
    except ssl.SSLCertVerificationError as error:
        return f"whose certificate {tls_errors.why_untrusted(error)}"
    except OSError:
        return ""


def why_no_connection(host: str, port: int, patience_s: float = ANSWER_TIMEOUT_S) -> str:
    """Return why an address cannot be reached from here; empty if it can."""
    try:
        socket.create_connection((host.strip("[]"), port), timeout=patience_s).close()
    except socket.gaierror:
        return "a name that does not resolve on this machine"
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        return f"which this machine cannot reach ({problem})"
    return ""


@contextlib.contextmanager
def _connected(server: str, settings: KafkaSettings, patience_s: float) -> Iterator[socket.socket]:
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    with socket.create_connection((host, int(port)), timeout=patience_s) as connection:
        if not settings.protocol.is_encrypted:
            yield connection
            return
        with tls_context(settings).wrap_socket(connection, server_hostname=host) as encrypted:
            yield encrypted


def _why_refused(server: str, settings: KafkaSettings, patience_s: float) -> str:
    """Return why a listener closes the connection after a request, if that can be found out."""
    with (
        contextlib.suppress(OSError, struct.error, NoKafkaError),
        _connected(server, settings, patience_s) as connection,
    ):
        offered = offered_mechanisms(connection)
        if offered is not None:
            needed = "SASL_SSL" if settings.protocol.is_encrypted else "SASL_PLAINTEXT"
            return _wants(server, f"SASL ({', '.join(offered)})", settings, needed)
    return "" if settings.protocol.is_encrypted else _why_tls(server, settings, patience_s)


def _why_tls(server: str, settings: KafkaSettings, patience_s: float) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    needed = "SASL_SSL" if settings.protocol.has_login else "SSL, or to SASL_SSL for a login,"
    wants = _wants(server, "TLS", settings, needed)
    try:
        with _connected(server, PLAINTEXT, patience_s) as plain, context.wrap_socket(plain):
            return wants
    except ssl.SSLError as error:
        return wants if "ALERT" in (error.reason or "") else ""
    except OSError:
        return ""


def _wants(server: str, what: str, settings: KafkaSettings, needed: str) -> str:
    return (
        f"{server} requires {what}, but security.protocol is {settings.protocol}: set it to "
        f"{needed} {_IN_SETTINGS}"
    )


def _why_no_tls(
    server: str, settings: KafkaSettings, patience_s: float, error: ssl.SSLError
) -> str:
    reason = tls_errors.why_refused(error, has_certificate=settings.key_pair is not None)
    if reason:
        return f"{server}: {reason}"
    with (
        contextlib.suppress(OSError, struct.error, NoKafkaError),
        _connected(server, PLAINTEXT, patience_s) as connection,
    ):
        api_versions(connection)
        return (
            f"{server} does not use TLS, but security.protocol is {settings.protocol}: set it "
            f"to {settings.protocol.replace('SSL', 'PLAINTEXT')} {_IN_SETTINGS}"
        )
    if tls_errors.is_no_tls(error):
        return _why_silent(server, settings, patience_s) or f"{server} does not speak TLS"
    return f"{server}: TLS fails ({error.reason or error})"


def _why_silent(server: str, settings: KafkaSettings, patience_s: float) -> str:
    """Return what a silent listener is, if it answers an HTTP request; empty if it does not.

    A web server may take Kafka's request for the beginning of one of its own, and wait for the
    rest.
    """
    with (
        contextlib.suppress(OSError),
        _connected(server, PLAINTEXT, patience_s) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        beginning = connection.recv(_SHOWN)
        if beginning:
            return _why_foreign(server, settings, patience_s, beginning)
    return ""


def _why_foreign(server: str, settings: KafkaSettings, patience_s: float, beginning: bytes) -> str:
    with (
        contextlib.suppress(OSError),
        _connected(server, PLAINTEXT, patience_s) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        deadline_s = time.monotonic() + patience_s
        if connection.recv(5) == b"HTTP/" and time.monotonic() < deadline_s:
            return f"a web server answers at {server}, not a Kafka broker"
    if not settings.protocol.is_encrypted and (tls := _why_tls(server, settings, patience_s)):
        return tls
    shown = beginning[:_SHOWN].decode("ascii", "backslashreplace")
    return (
        f"something other than a Kafka broker answers at {server}; its response begins with "
        f"{shown!r}"
    )
