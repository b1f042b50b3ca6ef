"""Names of settings: those of librdkafka and of Java's clients, and what becomes of each.

Sources: librdkafka's CONFIGURATION.md, and Kafka's documentation of client configurations.
"""

import difflib
import re

from headcount.errors import UsageError

JAVA_ALIASES = {
    "metadata.broker.list": "bootstrap.servers",
    "sasl.mechanisms": "sasl.mechanism",
    "sasl.oauthbearer.client.credentials.client.id": "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.credentials.client.secret": "sasl.oauthbearer.client.secret",
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
}
"""Other names of settings, such as Java's, with the names that Headcount uses."""

SECRET = frozenset(
    {
        *("sasl.password", "sasl.jaas.config", "sasl.oauthbearer.client.secret"),
        *("ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "ssl.truststore.password"),
    }
)
"""Settings whose value is secret, or contains a secret."""

CARRIED = SECRET | frozenset(
    {
        *("bootstrap.servers", "security.protocol", "sasl.mechanism", "sasl.username"),
        *("sasl.oauthbearer.method", "sasl.oauthbearer.client.id", "sasl.oauthbearer.scope"),
        *("sasl.oauthbearer.extensions", "sasl.oauthbearer.token.endpoint.url"),
        *("sasl.login.callback.handler.class", "sasl.client.callback.handler.class"),
        *("ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location", "ssl.certificate.pem"),
        *("ssl.key.location", "ssl.keystore.location", "ssl.keystore.type"),
        *("ssl.truststore.location", "ssl.truststore.type"),
        *("ssl.endpoint.identification.algorithm", "enable.ssl.certificate.verification"),
        *("https.ca.location", "https.ca.pem", "ssl.protocol", "ssl.enabled.protocols"),
    }
)
"""Settings that every client gets."""

_IRRELEVANT = re.compile(
    r"client\.(id|dns\.lookup|rack)|acks|retries|(group|transactional|transaction)\..+"
    r"|(key|value)\..+|bootstrap\.resolve\.timeout\.ms"
    r"|(enable|delivery|linger|batch|buffer|compression|message|queue|queued|queuing|max|fetch"
    r"|auto|session|heartbeat|default|request|retry|reconnect|connections|socket|metadata|topic"
    r"|isolation|partition|partitioner|check|log|statistics|broker|api|exclude|allow|interceptor"
    r"|interceptors|metric|metrics|receive|send|config|consume|coordinator|offset|produce|share"
    r"|sticky|internal|builtin)\b(?!\.ssl).*|debug|log_level|enabled_events"
    # Settings of Confluent's serializers, and of their schema registry client.
    r"|(basic\.auth|schema\.registry|bearer\.auth|use\.latest|latest|normalize|specific|avro|json)"
    r"\b.*"
    # How Java's client times its requests for tokens, checks tokens, and chooses its classes.
    r"|sasl\.login\.(connect|read|refresh|retry)\..+|ssl\.(keymanager|trustmanager)\.algorithm"
    r"|sasl\.oauthbearer\.(jwks|expected|allow|clock|scope\.claim|sub\.claim)\..+"
    r"|ssl\.secure\.random\.implementation"
)
"""Settings of producers, consumers and serializers that say nothing about how to connect."""

_TOKENS = "only client credentials are supported: set sasl.oauthbearer.client.id and its secret"
_REMEDIES = {
    "bootstrap.controllers": "name the brokers with bootstrap.servers",
    "plugin.library.paths": "plugins are not supported; leave it out",
    "sasl.kerberos.": "Kerberos is not supported; use another listener of the cluster",
    "sasl.login.class": "Java login classes are not supported; leave it out",
    "sasl.oauthbearer.assertion.": _TOKENS,
    "sasl.oauthbearer.config": _TOKENS,
    "sasl.oauthbearer.grant.type": _TOKENS,
    "sasl.oauthbearer.header.urlencode": "librdkafka has no equivalent; leave it out",
    "sasl.oauthbearer.jwt.": "Java token classes are not supported; leave it out",
    "sasl.oauthbearer.metadata.": _TOKENS,
    "security.providers": "Java's security providers are not supported; leave it out",
    "ssl.ca.certificate.stores": "name the authorities with ssl.ca.location",
    "ssl.cipher.suites": "each client has its own names for ciphers; leave it out",
    "ssl.crl.location": "revocation lists are not supported; leave it out",
    "ssl.curves.list": "not every client can choose curves; leave it out",
    "ssl.engine.": "OpenSSL's engines are not supported; name the key's file instead",
    "ssl.provider": "Java's security providers are not supported; leave it out",
    "ssl.sigalgs.list": "not every client can choose signatures; leave it out",
}
"""Settings without an equivalent in every client, by the beginnings of their names."""


_AUTHORITIES = frozenset({"ssl.ca.location", "ssl.ca.pem", "ssl.truststore.location"})
_KEY_PAIR = frozenset(
    {
        *("ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location"),
        *("ssl.key.location", "ssl.key.pem"),
    }
)
_REPLACED = {
    **dict.fromkeys(_AUTHORITIES, _AUTHORITIES),
    "ssl.certificate.location": {"ssl.keystore.location", "ssl.certificate.pem"},
    "ssl.certificate.pem": {"ssl.keystore.location", "ssl.certificate.location"},
    "ssl.key.location": {"ssl.keystore.location", "ssl.key.pem"},
    "ssl.key.pem": {"ssl.keystore.location", "ssl.key.location"},
    "ssl.keystore.location": _KEY_PAIR,
    "sasl.jaas.config": {
        *("sasl.username", "sasl.password"),
        *("sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret"),
        *("sasl.oauthbearer.scope", "sasl.oauthbearer.extensions"),
    },
}


def replaced_by(name: str) -> frozenset[str]:
    """Return the settings of a file that a single setting replaces, besides that of its name."""
    return frozenset(_REPLACED.get(name, ()))


def canonical(name: str) -> str | None:
    """Return the name under which a setting is carried over; None if it is not needed.

    UsageError if it is unknown, or if not every client has an equivalent.
    """
    name = JAVA_ALIASES.get(name, name)
    if name in CARRIED:
        return name
    for prefix, remedy in _REMEDIES.items():
        if name.startswith(prefix):
            raise UsageError(f"{name} cannot be used: {remedy}")
    if _IRRELEVANT.fullmatch(name):
        return None
    near = difflib.get_close_matches(name, CARRIED, n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"{name} is not a Kafka client setting that Headcount knows{hint}")
