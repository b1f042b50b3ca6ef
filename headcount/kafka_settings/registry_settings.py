"""How to connect to a schema registry, in one model."""

from typing import Self

from pydantic import SecretStr, field_validator, model_validator

from headcount.kafka_settings.registry_url import parse_registry_url
from headcount.kafka_settings.settings import FrozenModel, KeyPair, TokenSource


class RegistrySettings(FrozenModel):
    """How to connect to a schema registry.

    `url` is empty without a registry, and contains no secret. The login is by `username` and
    `password`, by `token`, or by tokens from `token_source`; without any of these there is none. A
    bearer token may need `logical_cluster` and `identity_pool`, as Confluent Cloud does. `ca_pem`
    are the authorities that may have signed its certificate; None for the machine's own. `key_pair`
    is the client's own.
    """

    url: str = ""
    username: str = ""
    password: SecretStr | None = None
    token: SecretStr | None = None
    token_source: TokenSource | None = None
    logical_cluster: str = ""
    identity_pool: str = ""
    ca_pem: str | None = None
    verifies_certificate: bool = True
    key_pair: KeyPair | None = None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return parse_registry_url(url, "schema.registry.url")

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        logins = (self.password, self.token, self.token_source)
        if sum(login is not None for login in logins) > 1:
            raise ValueError(
                "a schema registry takes only one login: set either basic.auth or bearer.auth"
            )
        return self

    def with_url(self, url: str) -> Self:
        """Return the same settings with this URL, or with their own if it is empty."""
        return self.model_copy(update={"url": parse_registry_url(url)}) if url else self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, so that it can be masked."""
        source = self.token_source
        pair = self.key_pair
        secrets = (
            self.password,
            self.token,
            source and source.client_secret,
            pair and pair.key_pem,
        )
        return tuple(secret.get_secret_value() for secret in secrets if secret)

    def masked(self, text: str) -> str:
        """Replace every secret in a text, which may be a client's own message."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


NO_REGISTRY = RegistrySettings()
"""Without a schema registry."""
