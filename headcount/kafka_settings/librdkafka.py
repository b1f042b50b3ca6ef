"""librdkafka's dialect: what confluent-kafka's clients take."""

from collections.abc import Callable

from headcount.kafka_settings.iam_token import iam_token
from headcount.kafka_settings.settings import KafkaSettings, Mechanism

ClientValue = str | bool | Callable[[str], tuple[str, float]]


def client_options(settings: KafkaSettings) -> dict[str, ClientValue]:
    """Return the options of a client. They contain secrets: neither print nor log them.

    UsageError if the signer for Amazon's tokens is not installed.
    """
    options: dict[str, ClientValue] = {"security.protocol": str(settings.protocol)}
    if settings.protocol.is_encrypted:
        options |= _tls(settings)
    if settings.protocol.has_login:
        options |= _login(settings)
    return options


def _tls(settings: KafkaSettings) -> dict[str, ClientValue]:
    algorithm = "https" if settings.verifies_hostname else "none"
    options: dict[str, ClientValue] = {
        "ssl.endpoint.identification.algorithm": algorithm,
        "enable.ssl.certificate.verification": settings.verifies_certificate,
    }
    if settings.ca_pem is not None:
        options["ssl.ca.pem"] = settings.ca_pem
    if settings.key_pair is not None:
        options["ssl.certificate.pem"] = settings.key_pair.certificate_pem
        options["ssl.key.pem"] = settings.key_pair.key_pem.get_secret_value()
    return options


def _login(settings: KafkaSettings) -> dict[str, ClientValue]:
    assert settings.mechanism is not None
    if settings.mechanism is Mechanism.AWS_MSK_IAM:
        return {"sasl.mechanisms": "OAUTHBEARER", "oauth_cb": iam_token}
    options: dict[str, ClientValue] = {"sasl.mechanisms": str(settings.mechanism)}
    if settings.password is not None and settings.username is not None:
        options["sasl.username"] = settings.username
        options["sasl.password"] = settings.password.get_secret_value()
    source = settings.token_source
    if source is not None:
        options |= {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": source.url,
            "sasl.oauthbearer.client.id": source.client_id,
            "sasl.oauthbearer.client.secret": source.client_secret.get_secret_value(),
        }
        if source.scope:
            options["sasl.oauthbearer.scope"] = source.scope
        if source.extensions:
            pairs = (f"{name}={value}" for name, value in source.extensions)
            options["sasl.oauthbearer.extensions"] = ",".join(pairs)
        if source.ca_pem is not None:
            options["https.ca.pem"] = source.ca_pem
    return options
