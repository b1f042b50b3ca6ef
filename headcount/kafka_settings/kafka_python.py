"""kafka-python's dialect: the settings as the options that its clients take."""

import functools
import ssl
from typing import Any

from headcount.kafka_settings.iam_login import IamTokens
from headcount.kafka_settings.private_file import private_file
from headcount.kafka_settings.settings import KafkaSettings, Mechanism
from headcount.kafka_settings.tls_context import verifying_context
from headcount.kafka_settings.token_client import token_client


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the options of a client. They contain secrets: neither print nor log them."""
    options: dict[str, Any] = {"security_protocol": str(settings.protocol)}
    if settings.protocol.is_encrypted:
        options["ssl_context"] = tls_context(settings)
        options["ssl_check_hostname"] = settings.verifies_hostname
    if settings.protocol.has_login:
        options |= _login(settings)
    return options


@functools.lru_cache(maxsize=16)
def tls_context(settings: KafkaSettings) -> ssl.SSLContext:
    """Return the context of TLS connections, with the authorities and the client's certificate.

    It is cached, because Python loads a key only from a file: each new context would write the key
    to a file again.
    """
    context = verifying_context(settings.ca_pem)
    context.check_hostname = settings.verifies_hostname and settings.verifies_certificate
    context.verify_mode = ssl.CERT_REQUIRED if settings.verifies_certificate else ssl.CERT_NONE
    pair = settings.key_pair
    if pair is not None:
        with private_file(pair.certificate_pem + pair.key_pem.get_secret_value()) as path:
            context.load_cert_chain(path)
    return context


def _login(settings: KafkaSettings) -> dict[str, Any]:
    if settings.mechanism is Mechanism.AWS_MSK_IAM:
        # This logs in as librdkafka does. kafka-python's own way would ignore AWS_REGION.
        return {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": IamTokens()}
    options: dict[str, Any] = {"sasl_mechanism": str(settings.mechanism)}
    if settings.token_source is not None:
        return options | {"sasl_oauth_token_provider": token_client(settings.token_source)}
    assert settings.password is not None
    return options | {
        "sasl_plain_username": settings.username,
        "sasl_plain_password": settings.password.get_secret_value(),
    }
