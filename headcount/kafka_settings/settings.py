"""The settings: one model of a secured connection, whatever client makes it."""

import re
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator


class Protocol(StrEnum):
    """How a client talks to a broker; the names are Kafka's."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self in {Protocol.SSL, Protocol.SASL_SSL}

    @property
    def has_login(self) -> bool:
        """Whether the client logs in with SASL."""
        return self in {Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL}


class Mechanism(StrEnum):
    """How a client logs in; the names are SASL's, and one of Amazon's."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"
    AWS_MSK_IAM = "AWS_MSK_IAM"

    @property
    def has_password(self) -> bool:
        """Whether the login is a user name and a password."""
        return self not in {Mechanism.OAUTHBEARER, Mechanism.AWS_MSK_IAM}


class FrozenModel(BaseModel):
    """A model that never changes, and shows no input in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TokenSource(FrozenModel):
    """Where OAuth tokens come from: an OIDC server, by client credentials (RFC 6749, 4.4).

    `ca_pem` are the authorities that may have signed the server's certificate; None for the
    machine's own.
    """

    url: str
    client_id: str
    client_secret: SecretStr
    scope: str = ""
    extensions: tuple[tuple[str, str], ...] = ()
    ca_pem: str | None = None


class KeyPair(FrozenModel):
    """A certificate with its chain, and its key (PKCS #8, not encrypted), as PEM."""

    certificate_pem: str
    key_pem: SecretStr


class KafkaSettings(FrozenModel):
    """How to connect to a cluster.

    `ca_pem` are the authorities that may have signed the brokers' certificates; None for the
    machine's own. `key_pair` is the client's own. `bootstrap_servers` is empty if the file does not
    name any.
    """

    bootstrap_servers: str = ""
    protocol: Protocol = Protocol.PLAINTEXT
    ca_pem: str | None = None
    key_pair: KeyPair | None = None
    verifies_hostname: bool = True
    verifies_certificate: bool = True
    mechanism: Mechanism | None = None
    username: str | None = None
    password: SecretStr | None = None
    token_source: TokenSource | None = None

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        """Check that login and protocol fit together; errors name the settings as a file does."""
        if not self.protocol.has_login:
            if self.mechanism is not None:
                raise ValueError(
                    f"sasl.mechanism={self.mechanism} needs security.protocol=SASL_SSL, or "
                    f"SASL_PLAINTEXT without encryption; security.protocol is {self.protocol}"
                )
            return self
        if self.mechanism is None:
            raise ValueError(f"security.protocol={self.protocol} needs sasl.mechanism")
        if self.mechanism.has_password and not (self.username and self.password):
            raise ValueError(
                f"sasl.mechanism={self.mechanism} needs sasl.username and sasl.password"
            )
        if self.mechanism is Mechanism.OAUTHBEARER and self.token_source is None:
            raise ValueError(
                "sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url, "
                "sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret"
            )
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, so that it can be looked for, or masked."""
        pair, source = self.key_pair, self.token_source
        secrets = (self.password, pair and pair.key_pem, source and source.client_secret)
        return tuple(secret.get_secret_value() for secret in secrets if secret)

    def masked(self, text: str) -> str:
        """Replace every secret in a text, which may be a client's own message."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return re.sub(r"(eyJ[\w-]+\.[\w-]+)\.[\w-]+", r"\1.***", text)

    @property
    def summary(self) -> str:
        """Protocol and mechanism, for a person."""
        return " ".join(filter(None, (self.protocol, self.mechanism)))


PLAINTEXT = KafkaSettings()
"""No encryption and no login: what a broker speaks by default."""
