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
"""Names that stand for another."""

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
        *("https.ca.location", "https.ca.pem"),
    }
)
"""Settings that every client gets."""

_IRRELEVANT = re.compile(
    r"(client|group|transactional)\.(id|instance\.id)|client\.(dns\.lookup|rack)|acks|retries"
    r"|(key|value)\.(de)?serializer|(basic\.auth|schema\.registry|bearer\.auth|auto\.register)\..+"
    r"|(enable|delivery|linger|batch|buffer|compression|message|queue|queued|max|fetch|auto|session"
    r"|heartbeat|default|request|retry|reconnect|connections|socket|metadata|topic\.metadata"
    r"|isolation|partition|partitioner|check|log|statistics|broker|api|exclude|allow|interceptor"
    r"|metric|metrics|receive|send|config)\b(?!\.ssl).*"
)
"""Settings of producers and consumers that say nothing about how to connect."""

_REMEDIES = {
    "sasl.kerberos.": "Kerberos is not supported; use another listener of the cluster",
    "ssl.cipher.suites": "ciphers have other names in each client; leave it out",
    "ssl.crl.location": "revocation lists are not supported; leave it out",
    "ssl.provider": "Java's security providers are not supported; leave it out",
    "ssl.engine.": "OpenSSL's engines are not supported; name the key's file instead",
}


def canonical(name: str) -> str | None:
    """Return the name under which a setting is carried over; None if it is not needed.

    UsageError if it is unknown, or if not every client has an equivalent.
    """
    name = JAVA_ALIASES.get(name, name)
    if name in CARRIED:
        return name
    for prefix, remedy in _REMEDIES.items():
        if name.startswith(prefix):
            raise UsageError(f"{name} cannot be carried over: {remedy}")
    if _IRRELEVANT.fullmatch(name):
        return None
    near = difflib.get_close_matches(name, CARRIED, n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"{name} is not a setting of Kafka's clients that Headcount knows{hint}")
