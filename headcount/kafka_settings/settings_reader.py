"""Builds the settings of a connection from named values: its protocol, login and certificates."""

from collections.abc import Mapping
from typing import Any

from headcount.errors import UsageError
from headcount.kafka_settings import jaas, tls_settings
from headcount.kafka_settings.settings import KafkaSettings, Mechanism, Protocol

_JAVA_OAUTH_HANDLERS = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
)
_JAVA_IAM_HANDLER = "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
_MODULES = {
    jaas.PLAIN: Mechanism.PLAIN,
    jaas.OAUTH: Mechanism.OAUTHBEARER,
    jaas.IAM: Mechanism.AWS_MSK_IAM,
    jaas.SCRAM: None,  # `sasl.mechanism` says which
}

_VERSIONS = frozenset({"TLS", "TLSv1.2", "TLSv1.3"})


def build(named: Mapping[str, str]) -> KafkaSettings:
    """Build the settings from values under canonical names.

    Raises UsageError, or pydantic's ValidationError.
    """
    values = _with_login_module(named)
    login: dict[str, Any] = {}
    protocol = _choice(Protocol, values, "security.protocol", Protocol.PLAINTEXT)
    mechanism = _choice(Mechanism, values, "sasl.mechanism", None)
    _check_versions(values)
    if mechanism is Mechanism.OAUTHBEARER:
        login["token_source"] = _token_source(values)
    elif mechanism is not None and mechanism.has_password:
        login["username"] = values.get("sasl.username")
        login["password"] = values.get("sasl.password")
    return KafkaSettings(
        bootstrap_servers=values.get("bootstrap.servers", "").strip(),
        protocol=protocol,
        ca_pem=tls_settings.authorities(values),
        key_pair=tls_settings.key_pair(values),
        verifies_hostname=_verifies_hostname(values),
        verifies_certificate=_switch(values, "enable.ssl.certificate.verification"),
        mechanism=mechanism,
        **login,
    )


def _with_login_module(named: Mapping[str, str]) -> dict[str, str]:
    """Check Java's callback handlers, and add the settings that `sasl.jaas.config` implies."""
    values = dict(named)
    handler = values.get("sasl.login.callback.handler.class")
    if handler not in {None, *_JAVA_OAUTH_HANDLERS}:
        raise UsageError(
            "sasl.login.callback.handler.class cannot be used: only Kafka's own "
            "OAuthBearerLoginCallbackHandler is supported"
        )
    handler = values.get("sasl.client.callback.handler.class")
    if handler not in {None, _JAVA_IAM_HANDLER}:
        raise UsageError(
            "sasl.client.callback.handler.class cannot be used: leave it out, or use another login"
        )
    if "sasl.jaas.config" not in values:
        return values
    module, options = jaas.parse(values["sasl.jaas.config"])
    if module not in _MODULES:
        raise UsageError(f"sasl.jaas.config cannot be used: {module} is not supported")
    implied = _MODULES[module]
    if implied is not None:
        values.setdefault("sasl.mechanism", implied)
    names = {
        "username": "sasl.username",
        "password": "sasl.password",
        "clientId": "sasl.oauthbearer.client.id",
        "clientSecret": "sasl.oauthbearer.client.secret",
        "scope": "sasl.oauthbearer.scope",
        # These are for connections to the server that issues tokens.
        "ssl.truststore.location": "https.truststore.location",
        "ssl.truststore.password": "https.truststore.password",
        "ssl.truststore.certificates": "https.ca.pem",
    }
    for option, value in options.items():
        if option in names:
            values.setdefault(names[option], value)
        elif option == "ssl.truststore.type":
            pass  # not needed: the file's content shows its type
        elif option.startswith("extension_"):
            key = f"{option.removeprefix('extension_')}={value}"
            earlier = values.get("sasl.oauthbearer.extensions")
            values["sasl.oauthbearer.extensions"] = ",".join(filter(None, (earlier, key)))
        else:
            raise UsageError(
                f"sasl.jaas.config: the option {option} is not supported; leave it out"
            )
    return values


def _token_source(values: Mapping[str, str]) -> dict[str, Any] | None:
    method = values.get("sasl.oauthbearer.method", "oidc").lower()
    if method != "oidc":
        raise UsageError(f"sasl.oauthbearer.method={method} is not supported: write oidc")
    names = ("token.endpoint.url", "client.id", "client.secret")
    if not all(values.get(f"sasl.oauthbearer.{name}") for name in names):
        return None
    extensions = values.get("sasl.oauthbearer.extensions", "")
    pairs = (pair.partition("=") for pair in extensions.split(",") if pair.strip())
    return {
        "url": values["sasl.oauthbearer.token.endpoint.url"],
        "client_id": values["sasl.oauthbearer.client.id"],
        "client_secret": values["sasl.oauthbearer.client.secret"],
        "scope": values.get("sasl.oauthbearer.scope", ""),
        "extensions": tuple((name.strip(), value.strip()) for name, _, value in pairs),
        "ca_pem": tls_settings.authorities(values, "https"),
    }


def _check_versions(values: Mapping[str, str]) -> None:
    """Check that every client speaks the versions of TLS that Java's settings name."""
    for name in ("ssl.protocol", "ssl.enabled.protocols"):
        for version in values.get(name, "TLS").split(","):
            if version.strip() not in _VERSIONS:
                raise UsageError(
                    f"{name}={version.strip()} is not supported: leave it out, and each client "
                    "uses the latest that the broker speaks, TLSv1.2 or TLSv1.3"
                )


def _verifies_hostname(values: Mapping[str, str]) -> bool:
    # Java turns verification off with an empty value, librdkafka with `none`.
    algorithm = values.get("ssl.endpoint.identification.algorithm", "https").strip().lower()
    if algorithm not in {"https", "none", ""}:
        raise UsageError("ssl.endpoint.identification.algorithm must be https or none")
    return algorithm == "https"


def _switch(values: Mapping[str, str], name: str) -> bool:
    value = values.get(name, "true").strip().lower()
    if value not in {"true", "false"}:
        raise UsageError(f"{name} must be true or false")
    return value == "true"


def _choice(kind: Any, values: Mapping[str, str], name: str, default: Any) -> Any:
    value = values.get(name)
    if value is None:
        return default
    try:
        return kind(value.strip().upper())
    except ValueError:
        known = ", ".join(kind)
        raise UsageError(f"{name}={value} is not supported: it must be one of {known}") from None
