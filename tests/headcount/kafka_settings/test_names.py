"""Names of settings: carried over, left out, or refused with a remedy."""

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
    ],
)
def test_what_does_not_concern_the_connection_is_left_out(name: str) -> None:
    """A file of a cluster's provider has such settings, too."""
    assert canonical(name) is None


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("sasl.kerberos.service.name", "Kerberos is not supported"),
        ("ssl.cipher.suites", "ciphers have other names in each client"),
        ("sasl.passwords", r"did you mean sasl\.password\?"),
        ("security.protocols", r"did you mean security\.protocol\?"),
        ("turbo.mode", "not a setting of Kafka's clients that Headcount knows"),
    ],
)
def test_what_cannot_be_carried_over_is_pointed_at(name: str, remedy: str) -> None:
    """The message names the setting, and what to do."""
    with pytest.raises(UsageError, match=remedy) as raised:
        canonical(name)
    assert name in str(raised.value)


def test_every_secret_is_carried_over() -> None:
    """None is silently left out."""
    assert SECRET <= CARRIED
    assert all(canonical(name) == name for name in CARRIED)
