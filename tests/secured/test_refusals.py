"""Refusals: each is soon named, in one line, with the setting or the right that is missing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import trustme
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined] # it re-exports it

from headcount.errors import PartError
from headcount.kafka import topic
from headcount.kafka.cluster import Cluster
from headcount.kafka.permissions import check_read
from headcount.kafka_settings import config_file
from headcount.kafka_settings.settings import KafkaSettings
from tests.secured.broker import CLIENT_SECRET, PASSWORD, USER, SecuredBroker
from tests.secured.conftest import TOPIC

pytestmark = pytest.mark.e2e

SOON_S = 10.0


def tls_only(secured: SecuredBroker) -> KafkaSettings:
    """TLS without a client's certificate and without a login."""
    authority = f"ssl.ca.location={secured.folder / 'authority.pem'}"
    return config_file.load(None, ["security.protocol=SSL", authority])


def foreign_authority(secured: SecuredBroker) -> str:
    """The path of an authority that has signed nothing here."""
    path = secured.folder / "foreign.pem"
    path.write_bytes(trustme.CA().cert_pem.bytes())
    return str(path)


def foreign_client(secured: SecuredBroker) -> Cluster:
    """A client whose certificate another authority has signed."""
    path = secured.folder / "foreign-client.pem"
    certificate = trustme.CA().issue_cert("client.test")
    path.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
    return secured.cluster("mtls", ssl_certificate_location=str(path), ssl_key_location=str(path))


@dataclass(frozen=True, slots=True)
class RefusedConnection:
    """A cluster that cannot be used, and what the message must say."""

    cluster: Callable[[SecuredBroker], Cluster]
    reason: str


REFUSED = {
    "wrong password": RefusedConnection(
        lambda secured: secured.cluster("plain", sasl_password="wrong"),  # noqa: S106
        "refuses the login: Authentication failed: Invalid username or password",
    ),
    "wrong SCRAM password": RefusedConnection(
        lambda secured: secured.cluster("scram", sasl_password="wrong"),  # noqa: S106
        "refuses the login: Authentication failed",
    ),
    "other mechanism": RefusedConnection(
        lambda secured: secured.cluster("plain", sasl_mechanism="SCRAM-SHA-256"),
        "offers the SASL mechanisms PLAIN, not SCRAM-SHA-256: set sasl.mechanism",
    ),
    "foreign authority": RefusedConnection(
        lambda secured: secured.cluster("plain", ssl_ca_location=foreign_authority(secured)),
        "its certificate is signed by an authority that is not trusted",
    ),
    "other host": RefusedConnection(
        lambda secured: secured.cluster("otherhost"),
        "its certificate is for another host",
    ),
    "other advertised host": RefusedConnection(
        lambda secured: secured.cluster("renamed"),
        "the brokers advertise themselves as localhost:.*, whose certificate is for another host",
    ),
    "expired certificate": RefusedConnection(
        lambda secured: secured.cluster("expired"),
        "its certificate has expired",
    ),
    "no client certificate": RefusedConnection(
        lambda secured: Cluster(secured.servers("mtls"), tls_only(secured)),
        "it requires a client certificate: set ssl.certificate.location",
    ),
    "foreign client certificate": RefusedConnection(
        foreign_client, "it does not accept the client's certificate"
    ),
    "wrong client secret": RefusedConnection(
        lambda secured: secured.cluster("oauth", sasl_oauthbearer_client_secret="wrong"),  # noqa: S106
        "cannot fetch a token from https://127.0.0.1:.*: it answers 401",
    ),
    "foreign token server": RefusedConnection(
        lambda secured: secured.cluster("oauth", https_ca_location=foreign_authority(secured)),
        "cannot fetch a token from https://127.0.0.1:.*: its certificate is not accepted .*: name "
        "its authority with https.ca.location",
    ),
    "no token server": RefusedConnection(
        lambda secured: secured.cluster(
            "oauth",
            sasl_oauthbearer_token_endpoint_url="http://127.0.0.1:9/token",  # noqa: S106
        ),
        "cannot fetch a token from http://127.0.0.1:9/token: connection refused",
    ),
    "expired token": RefusedConnection(
        lambda secured: secured.cluster(
            "oauth", sasl_oauthbearer_token_endpoint_url=f"{secured.tokens.url}/expired"
        ),
        "refuses the login: .*; the token expired at 20",
    ),
    "plaintext to TLS": RefusedConnection(
        lambda secured: Cluster(secured.servers("plain")),
        "requires TLS, but security.protocol is PLAINTEXT: set it to SSL, or to SASL_SSL",
    ),
    "TLS to plaintext": RefusedConnection(
        lambda secured: Cluster(secured.broker.bootstrap_servers, tls_only(secured)),
        "does not use TLS, but security.protocol is SSL: set it to PLAINTEXT",
    ),
    "TLS without a login": RefusedConnection(
        lambda secured: Cluster(secured.servers("plain"), tls_only(secured)),
        r"requires SASL \(PLAIN\), but security.protocol is SSL: set it to SASL_SSL",
    ),
    "a login without TLS": RefusedConnection(
        lambda secured: secured.cluster("plain", security_protocol="SASL_PLAINTEXT"),
        "requires TLS, but security.protocol is SASL_PLAINTEXT: set it to SASL_SSL",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_connection_has_a_reason(secured: SecuredBroker, name: str) -> None:
    """Within seconds, with the address, and without any secret."""
    cluster, began_s = REFUSED[name].cluster(secured), time.monotonic()
    with pytest.raises(PartError, match=REFUSED[name].reason) as raised:
        topic.describe(cluster, TOPIC)
    assert time.monotonic() - began_s < SOON_S
    message = str(raised.value)
    assert cluster.bootstrap_servers in message
    assert "\n" not in message
    for secret in (PASSWORD, CLIENT_SECRET, "wrong-secret"):
        assert secret not in message


def test_a_missing_right_is_named_with_its_remedy(secured: SecuredBroker) -> None:
    """The operation, the topic, and the command that grants it."""
    secured.allow("described", (AclOperation.DESCRIBE,))
    cluster = secured.cluster("plain")
    grant = f"kafka-acls --bootstrap-server {cluster} --add --allow-principal User:{USER}"

    described = topic.describe(cluster, "described")
    assert described is not None
    with pytest.raises(PartError, match="is not allowed to read the topic 'described'") as raised:
        check_read(cluster, "described", described.operations)
    assert f"{grant} --operation Read --topic described" in str(raised.value)

    for call, operation in (
        (lambda: topic.describe(cluster, "hidden"), "Describe"),
        (lambda: topic.end_offsets(cluster, "hidden"), "Describe"),
        (lambda: topic.ensure_topic(cluster, "hidden", 1), "Create"),
    ):
        with pytest.raises(PartError, match=f"the user lacks the right {operation}") as raised:
            call()
        assert f"{grant} --operation {operation} --topic hidden" in str(raised.value)


def test_amazon_s_token_arrives(secured: SecuredBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that trusts another issuer refuses it, and the error says so within seconds."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CLIENT_SECRET)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    cluster, began_s = secured.cluster("oauth", sasl_mechanism="AWS_MSK_IAM"), time.monotonic()
    with pytest.raises(PartError, match="refuses the login") as raised:
        topic.describe(cluster, TOPIC)
    assert time.monotonic() - began_s < SOON_S
    assert CLIENT_SECRET not in str(raised.value)
