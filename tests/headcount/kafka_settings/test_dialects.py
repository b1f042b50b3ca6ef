"""The dialects: each client gets every setting, in its own words."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from kafka.net.sasl import get_sasl_mechanism

from headcount.errors import UsageError
from headcount.kafka_settings import certificate_files, config_file, java, kafka_python, librdkafka
from headcount.kafka_settings.settings import (
    PLAINTEXT,
    KafkaSettings,
    Mechanism,
    Protocol,
    TokenSource,
)

AUTHORITY, OF_TOKENS = trustme.CA(), trustme.CA()
CLIENT = AUTHORITY.issue_cert("client.test").private_key_and_cert_chain_pem.bytes()
CA_PEM, TOKENS_CA_PEM = (ca.cert_pem.bytes().decode() for ca in (AUTHORITY, OF_TOKENS))
SSL, SASL_SSL = {"protocol": Protocol.SSL}, {"protocol": Protocol.SASL_SSL}
LOGIN = {"username": "a b", "password": 'p;w" \\'}
SOURCE = {"url": "https://id.test/token", "client_id": "me", "client_secret": 's"1'}
MORE = {"scope": "kafka", "extensions": (("pool", "a"), ("cluster", "b")), "ca_pem": TOKENS_CA_PEM}
CASES: dict[str, dict[str, Any]] = {
    "plaintext": {},
    "TLS": SSL,
    "own authority": SSL | {"ca_pem": CA_PEM},
    "any host": SSL | {"ca_pem": CA_PEM, "verifies_hostname": False},
    "client certificate": SSL | {"key_pair": certificate_files.key_pair(CLIENT, None, None)},
    **{
        f"{mechanism} {protocol}": {"protocol": protocol, "mechanism": mechanism} | LOGIN
        for mechanism in Mechanism
        if mechanism.has_password
        for protocol in (Protocol.SASL_SSL, Protocol.SASL_PLAINTEXT)
    },
    "tokens": SASL_SSL
    | {"mechanism": Mechanism.OAUTHBEARER, "token_source": SOURCE, "ca_pem": CA_PEM},
    "tokens with extensions": {
        "protocol": Protocol.SASL_PLAINTEXT,
        "mechanism": Mechanism.OAUTHBEARER,
        "token_source": SOURCE | MORE,
    },
}


def read_back(options: Mapping[str, object]) -> KafkaSettings:
    """Read a client's options as a user's settings."""
    texts = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in options.items()
    }
    return config_file.load(None, [f"{name}={value}" for name, value in texts.items()])


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_reads_back(name: str) -> None:
    """The dialects of librdkafka and Java say all of the settings, and nothing else."""
    settings = KafkaSettings(**CASES[name])
    assert read_back(librdkafka.client_options(settings)) == settings
    assert read_back(java.client_options(settings)) == settings


@pytest.mark.parametrize("name", CASES)
def test_kafka_python_means_the_same(name: str) -> None:
    """Its context and its login have what the settings say."""
    settings = KafkaSettings(**CASES[name])
    options = kafka_python.client_options(settings)
    assert options["security_protocol"] == str(settings.protocol)
    assert ("ssl_context" in options) == settings.protocol.is_encrypted
    if settings.protocol.is_encrypted:
        context = options["ssl_context"]
        assert context.check_hostname == settings.verifies_hostname == options["ssl_check_hostname"]
        assert context.verify_mode is ssl.CERT_REQUIRED
        if settings.ca_pem is not None:
            (authority,) = context.get_ca_certs(binary_form=True)
            assert authority == ssl.PEM_cert_to_DER_cert(settings.ca_pem)
    assert options.get("sasl_mechanism") == settings.mechanism
    assert options.get("sasl_plain_username") == settings.username
    password = settings.password and settings.password.get_secret_value()
    assert options.get("sasl_plain_password") == password
    if settings.token_source is not None:
        tokens = options["sasl_oauth_token_provider"]
        assert tokens.extensions() == dict(settings.token_source.extensions)
    if settings.mechanism is not None:
        assert get_sasl_mechanism(settings.mechanism)(host="", **options)


def test_certificates_that_are_not_verified() -> None:
    """Java must verify them, which an error says before anything starts; the others need not."""
    settings = KafkaSettings(protocol=Protocol.SSL, verifies_certificate=False)
    assert read_back(librdkafka.client_options(settings)) == settings
    context = kafka_python.client_options(settings)["ssl_context"]
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
    with pytest.raises(UsageError, match="is not supported by Spark's connector"):
        java.check_supported(settings)


def test_a_client_certificate_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python's context has it, from a file that exists no longer than that takes."""
    loaded: dict[Path, bytes] = {}
    monkeypatch.setattr(
        ssl.SSLContext,
        "load_cert_chain",
        lambda _, path: loaded.update({Path(path): Path(path).read_bytes()}),
    )
    another = AUTHORITY.issue_cert("another.test").private_key_and_cert_chain_pem.bytes()
    pair = certificate_files.key_pair(another, None, None)
    kafka_python.tls_context(KafkaSettings(protocol=Protocol.SSL, key_pair=pair))
    ((path, content),) = loaded.items()
    assert certificate_files.key_pair(content, None, None) == pair
    assert not path.exists()


def test_java_s_virtual_machine_may_ask_for_tokens() -> None:
    """Only at the URL of the settings."""
    source = TokenSource.model_validate(SOURCE)
    settings = KafkaSettings(
        protocol=Protocol.SASL_SSL, mechanism=Mechanism.OAUTHBEARER, token_source=source
    )
    assert java.jvm_options(settings) == [f"-D{java.ALLOWED_URLS}={source.url}"]
    assert java.jvm_options(PLAINTEXT) == []
