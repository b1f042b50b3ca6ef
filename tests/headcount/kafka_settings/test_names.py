"""Names of settings: carried over, left out, or refused with a remedy."""

from pathlib import Path

import pytest

from headcount.errors import UsageError
from headcount.kafka_settings.names import CARRIED, SECRET, canonical


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("sasl.mechanisms", "sasl.mechanism"),
        ("sasl.mechanism", "sasl.mechanism"),
        ("metadata.broker.list", "bootstrap.servers"),
        ("ssl.truststore.certificates", "ssl.ca.pem"),
        ("sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret"),
    ],
)
def test_java_s_and_librdkafka_s_names_meet(name: str, known: str) -> None:
    """Both are known under one name."""
    assert canonical(name) == known


@pytest.mark.parametrize(
    "name",
    [
        *("client.id", "group.id", "acks", "session.timeout.ms", "client.dns.lookup"),
        *("key.serializer", "schema.registry.url", "basic.auth.user.info", "linger.ms"),
        *("default.api.timeout.ms", "request.timeout.ms", "enable.idempotence", "retries"),
        *("isolation.level", "auto.offset.reset", "compression.type", "log.connection.close"),
        *("value.subject.name.strategy", "use.latest.version", "specific.avro.reader"),
        *("config.providers", "config.providers.env.class", "debug", "group.protocol"),
    ],
)
def test_what_does_not_concern_the_connection_is_left_out(name: str) -> None:
    """A file of a cluster's provider has such settings, too."""
    assert canonical(name) is None


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("sasl.kerberos.service.name", "Kerberos is not supported"),
        ("ssl.cipher.suites", "each client has its own names for ciphers"),
        ("sasl.passwords", r"did you mean sasl\.password\?"),
        ("security.protocols", r"did you mean security\.protocol\?"),
        ("turbo.mode", "not a Kafka client setting that Headcount knows"),
        ("sasl.oauthbearer.assertion.file", "only client credentials are supported"),
    ],
)
def test_what_cannot_be_carried_over_is_pointed_at(name: str, remedy: str) -> None:
    """The message names the setting, and what to do."""
    with pytest.raises(UsageError, match=remedy) as raised:
        canonical(name)
    assert name in str(raised.value)


@pytest.mark.parametrize("client", ["librdkafka", "java"])
def test_every_setting_of_the_clients_is_known(client: str) -> None:
    """Those that a file can have: carried over, left out, or refused with a remedy of their own.

    The lists are of librdkafka's CONFIGURATION.md and of the configuration classes of Kafka 4.4 and
    3.9, without callbacks.
    """
    names = Path(__file__).with_name(f"{client}_names.txt").read_text().split()
    assert len(names) > 100
    refused = {}
    for name in names:
        try:
            canonical(name)
        except UsageError as error:
            refused[name] = str(error)
    assert [text for text in refused.values() if "cannot be used: " not in text] == []
    about_connecting = ("sasl.", "ssl.", "security.", "plugin.", "bootstrap.controllers")
    assert [name for name in refused if not name.startswith(about_connecting)] == []


def test_every_secret_is_carried_over() -> None:
    """None is silently left out."""
    assert SECRET <= CARRIED
    assert all(canonical(name) == name for name in CARRIED)
