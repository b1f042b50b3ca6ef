"""From names and values to the settings of a schema registry.

The names are those of Confluent's clients. Java's serializers expect the prefix `schema.registry.`
for TLS, but not for logins. Sources: Confluent's documentation of clients' configurations, and
`SchemaRegistryClientConfig` and `SslConfigs` of its Java client.
"""

import difflib
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from headcount.errors import UsageError
from headcount.kafka_settings import tls_settings
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount.kafka_settings.settings import KafkaSettings

PREFIX = "schema.registry."

SECRET = frozenset(
    {
        *("basic.auth.user.info", "bearer.auth.token", "bearer.auth.client.secret"),
        *("ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "ssl.truststore.password"),
    }
)
"""Settings whose value is secret, without the prefix."""

CARRIED = SECRET | frozenset(
    {
        *("url", "basic.auth.credentials.source", "bearer.auth.credentials.source"),
        *("bearer.auth.logical.cluster", "bearer.auth.identity.pool.id", "bearer.auth.scope"),
        *("bearer.auth.issuer.endpoint.url", "bearer.auth.client.id"),
        *("ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location", "ssl.certificate.pem"),
        *("ssl.key.location", "ssl.keystore.location", "ssl.keystore.type"),
        *("ssl.truststore.location", "ssl.truststore.type"),
        *("ssl.endpoint.identification.algorithm", "enable.ssl.certificate.verification"),
    }
)
"""Settings that are carried over, without the prefix."""

_ALIASES = {
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
}
_ABOUT_CONNECTING = ("ssl.", "basic.auth.", "bearer.auth.", "enable.ssl.", "sasl.")
_WITHOUT_PREFIX = ("basic.auth.", "bearer.auth.")

_USER_INFO, _URL, _SASL = "USER_INFO", "URL", "SASL_INHERIT"
_STATIC, _OAUTH = "STATIC_TOKEN", "OAUTHBEARER"


def canonical(name: str) -> str | None:
    """Return the name, without the prefix, of a setting of a registry; None for any other.

    UsageError if it says how to connect, and cannot be carried over.
    """
    short = name.removeprefix(PREFIX)
    if short == name and not name.startswith(_WITHOUT_PREFIX):
        return None
    short = _ALIASES.get(short, short)
    if short in CARRIED:
        return short
    if not short.startswith(_ABOUT_CONNECTING):
        return None
    near = difflib.get_close_matches(short, CARRIED, n=1, cutoff=0.8)
    hint = f"; did you mean {PREFIX}{near[0]}?" if near else ""
    raise UsageError(f"{name} is not a schema registry setting that Headcount knows{hint}")


def holds_secret(name: str, value: str) -> bool:
    """Return whether a setting's value is secret, or contains a secret."""
    short = name.removeprefix(PREFIX)
    if short == name and not name.startswith(_WITHOUT_PREFIX):
        return False
    return _ALIASES.get(short, short) in SECRET or (short == "url" and "@" in value)


def is_inherited(values: Mapping[str, str]) -> bool:
    """Return whether the registry takes the login of the Kafka cluster."""
    return values.get("basic.auth.credentials.source") == _SASL


def build(values: Mapping[str, str], kafka: KafkaSettings | None = None) -> RegistrySettings:
    """Make the settings from values whose names lack the prefix.

    `kafka` is needed if the registry takes the login of the Kafka cluster. UsageError or pydantic's
    ValidationError.
    """
    url, url_login = _without_login(values.get("url", "").strip())
    try:
        return RegistrySettings(
            url=url,
            **_bearer(values),
            **_basic(values, url_login, kafka),
            logical_cluster=values.get("bearer.auth.logical.cluster", ""),
            identity_pool=values.get("bearer.auth.identity.pool.id", ""),
            ca_pem=tls_settings.authorities(values),
            key_pair=tls_settings.key_pair(values),
            verifies_certificate=_verifies(values),
        )
    except UsageError as error:
        is_setting = str(error).startswith(_ABOUT_CONNECTING)
        raise UsageError(f"{PREFIX if is_setting else ''}{error}") from None


def _without_login(url: str) -> tuple[str, str]:
    """Split a URL from the `user:password` in it."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    return (urlunsplit(parts._replace(netloc=host)), unquote(login)) if at else (url, "")


def _basic(
    values: Mapping[str, str], url_login: str, kafka: KafkaSettings | None
) -> dict[str, Any]:
    source = values.get("basic.auth.credentials.source")
    info = values.get("basic.auth.user.info", "")
    match source:
        case None:
            login = info or url_login
        case "USER_INFO":
            login = info
        case "URL":
            login = url_login
        case "SASL_INHERIT":
            login = _sasl_login(kafka)
        case _:
            raise UsageError(
                f"basic.auth.credentials.source={source} is not supported: it must be one of "
                f"{_USER_INFO}, {_URL}, {_SASL}"
            )
    if not login and source is None:
        return {}
    username, colon, password = login.partition(":")
    if not colon or not username:
        raise UsageError("basic.auth.user.info must be user:password")
    return {"username": username, "password": password}


def _sasl_login(kafka: KafkaSettings | None) -> str:
    if kafka is None or kafka.password is None:
        raise UsageError(
            f"basic.auth.credentials.source={_SASL} needs sasl.username and sasl.password"
        )
    return f"{kafka.username}:{kafka.password.get_secret_value()}"


def _bearer(values: Mapping[str, str]) -> dict[str, Any]:
    source = values.get("bearer.auth.credentials.source")
    token = values.get("bearer.auth.token")
    if source is None and token is None:
        return {}
    if source in {None, _STATIC}:
        if not token:
            raise UsageError("bearer.auth.credentials.source=STATIC_TOKEN needs bearer.auth.token")
        return {"token": token}
    if source != _OAUTH:
        raise UsageError(
            f"bearer.auth.credentials.source={source} is not supported: it must be one of "
            f"{_STATIC}, {_OAUTH}"
        )
    names = ("issuer.endpoint.url", "client.id", "client.secret")
    missing = [name for name in names if not values.get(f"bearer.auth.{name}")]
    if missing:
        raise UsageError(f"bearer.auth.credentials.source={_OAUTH} needs bearer.auth.{missing[0]}")
    url, client_id, secret = (values[f"bearer.auth.{name}"] for name in names)
    scope = values.get("bearer.auth.scope", "")
    source_of = {"url": url, "client_id": client_id, "client_secret": secret, "scope": scope}
    return {"token_source": source_of}


def _verifies(values: Mapping[str, str]) -> bool:
    algorithm = values.get("ssl.endpoint.identification.algorithm", "https").strip().lower()
    if algorithm != "https":
        raise UsageError(
            "ssl.endpoint.identification.algorithm must be https: a registry's name is always "
            "verified, unless enable.ssl.certificate.verification=false"
        )
    switch = values.get("enable.ssl.certificate.verification", "true").strip().lower()
    if switch not in {"true", "false"}:
        raise UsageError("enable.ssl.certificate.verification must be true or false")
    return switch == "true"
