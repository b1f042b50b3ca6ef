"""The listener probe: quickly names what answers in place of an unencrypted broker."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headcount.errors import PartError, UsageError
from headcount.kafka import listener_probe
from headcount.kafka.cluster import Cluster
from headcount.kafka.listener_probe import why_unusable
from headcount.kafka.topic import describe
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import broker_jars
from headcount.stack.jvm.java import Java
from headcount.stack.ports import LOOPBACK, free_port
from tests.certificates import write_server_certificate

SOON_S = 15.0
LISTENERS = "sasl", "tls", "lost", "both"


@pytest.fixture(scope="module")
def listeners(
    java: Java,
    fetcher: Fetcher,
    environ: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """A broker with a plain-text listener, and others that our clients cannot use."""
    folder = tmp_path_factory.mktemp("listeners")
    certificate = folder / "server.pem"
    write_server_certificate(certificate)
    (member,) = Membership.of_cluster(1)
    ports = {"clients": member.ports[0], **{name: free_port() for name in LISTENERS}}
    places = {name: f"{LOOPBACK}:{port}" for name, port in ports.items()}
    bound = ",".join(f"{name.upper()}://{place}" for name, place in places.items())
    settings = {
        "listeners": f"{bound},CONTROLLER://{LOOPBACK}:{member.controller_ports[0]}",
        "advertised.listeners": bound.replace(places["lost"], "kafka.invalid:29092"),
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,LOST:PLAINTEXT,"
        "SASL:SASL_PLAINTEXT,TLS:SSL,BOTH:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificate),
    }
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    for name in ("sasl", "both"):
        settings[f"listener.name.{name}.plain.sasl.jaas.config"] = f'{module} required user_a="x";'
    config = BrokerConfig(
        java,
        tuple(broker_jars(fetcher)),
        folder / "data",
        environ,
        membership=member,
        settings=settings,
    )
    with Broker(config):
        yield places


@pytest.mark.e2e
def test_a_listener_with_other_requirements_is_named(listeners: dict[str, str]) -> None:
    """SASL, TLS, both, and an unknown host name: each is reported soon, with the address."""
    assert why_unusable(listeners["clients"]) == ""
    for name, wanted in {
        "sasl": "requires SASL (PLAIN), but security.protocol is PLAINTEXT: set it to SASL_PLAIN",
        "tls": "requires TLS",
        "both": "requires TLS",
        "lost": "advertise themselves as kafka.invalid:29092, a name that does not resolve",
    }.items():
        began_s = time.monotonic()
        with pytest.raises(PartError) as raised:
            describe(Cluster(listeners[name]), "events")
        assert time.monotonic() - began_s < SOON_S
        message = str(raised.value)
        assert wanted in message
        assert listeners[name] in message
        assert "\n" not in message


@pytest.mark.e2e
def test_one_usable_listener_is_enough(listeners: dict[str, str]) -> None:
    """An unusable listener is skipped if there is a usable one."""
    assert describe(Cluster(f"{listeners['tls']},{listeners['clients']}"), "none") is None


@pytest.mark.e2e
def test_all_advertised_addresses_are_tried_at_once(
    listeners: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many brokers are silent, the reason comes as soon as for one."""
    count = 5
    everyone = threading.Barrier(count)

    def why_no_connection(*_: object) -> str:
        everyone.wait(60)
        return "which is silent"

    monkeypatch.setattr(listener_probe, "why_no_connection", why_no_connection)
    brokers = [(f"b-{number}.invalid", 9092) for number in range(count)]
    monkeypatch.setattr(listener_probe, "advertised_brokers", lambda *_: brokers)
    reason = why_unusable(listeners["clients"])
    assert "the brokers advertise themselves as b-0.invalid:9092, which is silent" in reason


@pytest.fixture
def web_server() -> Iterator[str]:
    """A web server, which waits for the end of a request's line."""
    with ThreadingHTTPServer((LOOPBACK, 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{LOOPBACK}:{server.server_port}"
        server.shutdown()


def test_a_web_server_is_named(web_server: str) -> None:
    """An HTTP server at the brokers' address is called a web server."""
    assert why_unusable(web_server, patience_s=0.5) == (
        f"a web server answers at {web_server}, not a Kafka broker"
    )


def test_whatever_answers_is_shown() -> None:
    """The greeting of a server that speaks first, such as SSH or mail, is shown."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def greet() -> None:
            for _ in range(3):
                connection, _address = server.accept()
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
                    connection.settimeout(5)
                    connection.recv(1024)

        threading.Thread(target=greet, daemon=True).start()
        said = why_unusable(f"{LOOPBACK}:{server.getsockname()[1]}", patience_s=0.5)
    assert "something other than a Kafka broker answers" in said
    assert "SSH-2.0" in said


def test_a_silent_listener_is_not_judged() -> None:
    """It may be a broker that hangs: nothing is known about a silent server."""
    with socket.create_server((LOOPBACK, 0)) as server:
        assert why_unusable(f"{LOOPBACK}:{server.getsockname()[1]}", patience_s=0.2) == ""


@pytest.mark.parametrize("servers", ["user:hunter2@kafka:9092", "SASL_SSL://kafka:9092,a:1"])
def test_servers_with_a_password_are_refused_unshown(servers: str) -> None:
    """The message does not repeat a possible password."""
    with pytest.raises(UsageError, match=r"host:port") as raised:
        describe(Cluster(servers), "events")
    assert "hunter2" not in str(raised.value)
    assert "kafka" not in str(raised.value)
