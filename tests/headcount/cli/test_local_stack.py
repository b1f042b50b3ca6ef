"""The local stack: the stated guarantee matches the service's settings."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from headcount.cli.local_stack import Target, start
from headcount.cli.locust_command import up_command
from headcount.cli.options.target_options import TargetOptions, check_host
from headcount.cli.platform import Platform
from headcount.console import Console
from headcount.errors import UsageError
from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import describe
from headcount.kafka_settings.settings import PLAINTEXT
from headcount.stack.broker import Broker
from headcount.stack.jvm.java import Java
from headcount.stack.service import DEFAULT_APP

PLAIN = TargetOptions(
    bootstrap_servers=None,
    host=None,
    app=DEFAULT_APP,
    topic="events",
    partitions=4,
    replication=1,
    create_topic=False,
    acks=None,
    idempotence=None,
    ack_guarantee="",
)


@pytest.mark.parametrize(
    ("acks", "idempotence", "environ", "guarantee"),
    [
        (None, None, {}, "acks=all, idempotent"),
        ("all", None, {"SERVICE_ACKS": "all"}, "acks=all, idempotent"),
        ("0", None, {"SERVICE_ACKS": "0", "SERVICE_IDEMPOTENCE": "off"}, "acks=0, not idempotent"),
        (None, False, {"SERVICE_IDEMPOTENCE": "off"}, "acks=all, not idempotent"),
    ],
)
def test_the_guarantee_is_the_setting(
    acks: str | None, idempotence: bool | None, environ: dict[str, str], guarantee: str
) -> None:
    """The same options decide both."""
    target_options = replace(PLAIN, acks=acks, idempotence=idempotence)

    assert target_options.service_environ == environ
    assert target_options.stated_guarantee({}) == guarantee


def test_the_environment_sets_the_guarantee_too() -> None:
    """The service's environment counts, and an option takes precedence."""
    environ = {"SERVICE_ACKS": "1", "SERVICE_IDEMPOTENCE": "off"}

    assert PLAIN.stated_guarantee(environ) == "acks=1, not idempotent"
    assert replace(PLAIN, acks="0").stated_guarantee(environ) == "acks=0, not idempotent"


def test_only_the_user_states_the_guarantee_of_their_service() -> None:
    """Nothing is claimed about the user's own service."""
    theirs = replace(PLAIN, host="http://127.0.0.1:5000")

    assert theirs.stated_guarantee({}) == ""
    assert replace(theirs, ack_guarantee="acks=1").stated_guarantee({}) == "acks=1"
    assert replace(PLAIN, app="tests.faulty:app").stated_guarantee({}) == ""


@pytest.mark.e2e
def test_a_topic_is_created_only_on_request(broker: Broker, java: Java, tmp_path: Path) -> None:
    """On the user's brokers, a misspelt name creates no topic; the message has the remedy."""
    servers, ready = broker.bootstrap_servers, Platform(java, (), (), {}, Console(quiet=True))
    target_options = replace(
        PLAIN, bootstrap_servers=servers, host="http://127.0.0.1:1", topic="evnts"
    )
    with contextlib.ExitStack() as stack:
        with pytest.raises(UsageError, match=r"no topic 'evnts' at .* with --create-topic"):
            start(stack, target_options, PLAINTEXT, ready, tmp_path)
        assert describe(Cluster(servers), "evnts") is None
        created = replace(target_options, create_topic=True, partitions=2)
        start(stack, created, PLAINTEXT, ready, tmp_path)
        made = describe(Cluster(servers), "evnts")
        assert made is not None
        assert made.partitions == 2
        start(stack, target_options, PLAINTEXT, ready, tmp_path)


def test_a_password_of_the_host_is_not_shown(tmp_path: Path) -> None:
    """Locust gets it in its environment; titles and arguments show the address without it."""
    host = check_host("https://user:hunter2@shop.test:8443/")
    target = Target(host, Cluster("kafka:9092"), None, None)

    assert target.address == "https://shop.test:8443"
    assert target.locust_environ == {"LOCUST_HOST": "https://user:hunter2@shop.test:8443"}
    assert "hunter2" not in " ".join(up_command(PLAIN, target, tmp_path, {}))


@pytest.mark.parametrize("host", ["ftp://user:hunter2@shop.test", "https://hunter2@shop.test"])
def test_an_invalid_host_hides_its_password(host: str) -> None:
    """The error message leaves out what may be secret in the address."""
    with pytest.raises(UsageError) as raised:
        check_host(host)
    assert "hunter2" not in str(raised.value)


def test_an_ipv6_host() -> None:
    """Its brackets stay, with and without a password."""
    assert check_host("http://[::1]:8000/") == "http://[::1]:8000"
    target = Target(check_host("http://u:p@[::1]:8000"), Cluster("[::1]:9092"), None, None)
    assert target.address == "http://[::1]:8000"
