"""Java's dialect: the settings for Kafka clients in the JVM, such as that of Spark's connector."""

from headcount.errors import UsageError
from headcount.kafka_settings import jaas
from headcount.kafka_settings.settings import KafkaSettings, Mechanism, TokenSource

_OAUTH_HANDLER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls"
"""The JVM's system property with the URLs that tokens may come from (CVE-2025-27817)."""


def client_options(settings: KafkaSettings) -> dict[str, str]:
    """Return the properties of a client. They contain secrets: neither print nor log them.

    Kafka's clients do not log the secrets, because Kafka declares these properties as passwords.
    UsageError for Amazon's login, which needs classes that Headcount does not fetch.
    """
    options = {"security.protocol": str(settings.protocol)}
    if settings.protocol.is_encrypted:
        options |= _tls(settings)
    if settings.protocol.has_login:
        options |= _login(settings)
    return options


def check_supported(settings: KafkaSettings) -> None:
    """Check that Java's clients have an equivalent of each setting. UsageError if one has none."""
    client_options(settings)


def spark_options(settings: KafkaSettings) -> dict[str, str]:
    """Return the options of Spark's Kafka source. They contain secrets: neither print nor log them.

    `spark.read.format("kafka").options(**spark_options(settings))` connects as the run does.
    """
    options = {f"kafka.{name}": value for name, value in client_options(settings).items()}
    if settings.bootstrap_servers:
        options["kafka.bootstrap.servers"] = settings.bootstrap_servers
    return options


def jvm_options(settings: KafkaSettings) -> list[str]:
    """Return the options that the JVM itself needs."""
    source = settings.token_source
    return [] if source is None else [f"-D{ALLOWED_URLS}={source.url}"]


def _tls(settings: KafkaSettings) -> dict[str, str]:
    options = {
        "ssl.endpoint.identification.algorithm": "https" if settings.verifies_hostname else ""
    }
    if not settings.verifies_certificate:
        raise UsageError(
            "enable.ssl.certificate.verification=false is not supported by Spark's connector, "
            "which --follow, events and shell use: name the authority with ssl.ca.location"
        )
    if settings.ca_pem is not None:
        options["ssl.truststore.type"] = "PEM"
        options["ssl.truststore.certificates"] = settings.ca_pem
    if settings.key_pair is not None:
        options["ssl.keystore.type"] = "PEM"
        options["ssl.keystore.certificate.chain"] = settings.key_pair.certificate_pem
        options["ssl.keystore.key"] = settings.key_pair.key_pem.get_secret_value()
    return options


def _login(settings: KafkaSettings) -> dict[str, str]:
    mechanism = settings.mechanism
    assert mechanism is not None
    if mechanism is Mechanism.AWS_MSK_IAM:
        raise UsageError(
            "sasl.mechanism=AWS_MSK_IAM is not supported by Spark's connector, which --follow, "
            "events and shell use: headcount verify, and runs without --follow, work without it"
        )
    options = {"sasl.mechanism": str(mechanism)}
    if settings.token_source is not None:
        return options | _oauth(settings.token_source)
    assert settings.username is not None
    assert settings.password is not None
    module = jaas.PLAIN if mechanism is Mechanism.PLAIN else jaas.SCRAM
    login = {"username": settings.username, "password": settings.password.get_secret_value()}
    return options | {"sasl.jaas.config": jaas.write(module, login)}


def _oauth(source: TokenSource) -> dict[str, str]:
    login = {"clientId": source.client_id, "clientSecret": source.client_secret.get_secret_value()}
    if source.scope:
        login["scope"] = source.scope
    login |= {f"extension_{name}": value for name, value in source.extensions}
    if source.ca_pem is not None:
        login |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": source.ca_pem}
    return {
        "sasl.login.callback.handler.class": _OAUTH_HANDLER,
        "sasl.oauthbearer.token.endpoint.url": source.url,
        "sasl.jaas.config": jaas.write(jaas.OAUTH, login),
    }
