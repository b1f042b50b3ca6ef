"""The schema registry: one client for a process, and what its failures mean.

A registry that cannot be asked proves nothing about any message, so the run cannot be judged. A
schema that the registry does not have is a defect of the message that names it.
"""

import functools
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from kafka.errors import KafkaConnectionError

from headcount.errors import EvidenceError
from headcount.kafka_settings.private_file import private_file
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount.kafka_settings.token_client import token_client

SchemaName = int | UUID
"""What a message calls its schema: a number, or a UUID that is the same in every registry."""

Answer = TypeVar("Answer")

_TIMEOUT_S: Final = 10.0
_RETRIES: Final = 2
_RETRY_AFTER_MS: Final = 200
_NO_SCHEMA: Final = frozenset({40403})
_NO_VERSION: Final = frozenset({40401, 40402, 40403})
"""Error codes of the registry's API: it lacks the subject, the version, or the schema."""

_REMEDIES: Final = {
    401: "it requires a login: set schema.registry.basic.auth.user.info or "
    "schema.registry.bearer.auth.token in the Kafka settings",
    403: "the login is not allowed to read schemas",
    404: "not found: check the path of the URL",
}
_NOT_TRUSTED: Final = (
    "its certificate is not trusted: set schema.registry.ssl.ca.location in the Kafka settings"
)


class SchemaRegistry:
    """Gets a registry's schemas; connects when first asked, disconnects when garbage-collected."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings

    def schema(self, name: SchemaName, *, form: str | None = None) -> "NamedSchema | None":
        """Return a schema; None if the registry does not have it.

        Args:
            name: What a message calls it.
            form: A form other than the text that was registered, such as `serialized`.

        Raises:
            EvidenceError: The registry does not answer, or refuses to.
        """
        # The client's cache does not distinguish forms.
        self._client.clear_caches()  # type: ignore[no-untyped-call]
        if isinstance(name, UUID):
            guid = str(name)
            schema = self._answer(lambda: self._client.get_schema_by_guid(guid, fmt=form))
        else:
            schema = self._answer(lambda: self._client.get_schema(name, fmt=form))
        return None if schema is None else NamedSchema(name, schema, self)

    def version(self, subject: str, version: int, form: str | None) -> Schema:
        """Return a version of a subject. EvidenceError if there is none."""
        registered = self._answer(
            lambda: self._client.get_version(subject, version, fmt=form), _NO_VERSION
        )
        if registered is None:
            raise self._unanswered(f"it lacks version {version} of {subject}, which is imported")
        return registered.schema

    @functools.cached_property
    def _client(self) -> SchemaRegistryClient:
        with ExitStack() as files:
            client = SchemaRegistryClient(_client_options(self._settings, files))
        weakref.finalize(self, client.close)
        return client

    def _answer(
        self, ask: Callable[[], Answer], missing: frozenset[int] = _NO_SCHEMA
    ) -> Answer | None:
        try:
            return ask()
        except SchemaRegistryError as error:
            if error.error_code in missing:
                return None
            status = int(error.http_status_code)
            remedy = _REMEDIES.get(status, "see the registry's log")
            raise self._unanswered(f"it answers {status}; {remedy}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, KafkaConnectionError, OSError) as error:
            reason = str(error) or type(error).__name__
            is_certificate = "CERTIFICATE_VERIFY_FAILED" in reason
            raise self._unanswered(_NOT_TRUSTED if is_certificate else reason) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._unanswered(
                "its response is not that of a schema registry: check the URL"
            ) from None

    def _unanswered(self, reason: str) -> EvidenceError:
        settings = self._settings
        return EvidenceError(
            f"cannot query the schema registry {settings.url}: {settings.masked(reason)}"
        )


@dataclass(frozen=True, slots=True)
class NamedSchema:
    """A schema, what messages call it, and the registry that has it."""

    name: SchemaName
    schema: Schema
    registry: SchemaRegistry

    @property
    def text(self) -> str:
        """The schema as it was registered, or in the form that was asked for."""
        return self.schema.schema_str or ""

    @property
    def kind(self) -> str:
        """AVRO, PROTOBUF or JSON; a registry that names no kind means AVRO."""
        return self.schema.schema_type or "AVRO"

    def in_form(self, form: str) -> "NamedSchema | None":
        """Return it in another form; None if the registry does not return it, for any reason."""
        try:
            return self.registry.schema(self.name, form=form)
        except EvidenceError:
            return None

    def references(self, form: str | None = None) -> Iterator[tuple[str, str]]:
        """Yield the names and texts of what it imports, to any depth, the innermost first."""
        return self._imports(self.schema, form)

    def _imports(self, schema: Schema, form: str | None) -> Iterator[tuple[str, str]]:
        for reference in schema.references or ():
            subject, version = str(reference.subject), int(reference.version or 0)
            imported = self.registry.version(subject, version, form)
            yield from self._imports(imported, form)
            yield str(reference.name), imported.schema_str or ""


@functools.lru_cache(maxsize=8)
def schema_registry(settings: RegistrySettings) -> SchemaRegistry:
    """Return the one registry of these settings in this process."""
    return SchemaRegistry(settings)


def _client_options(settings: RegistrySettings, files: ExitStack) -> dict[str, Any]:
    """Return the client's options, secrets included; `files` removes the files that they name."""
    options: dict[str, Any] = {
        "url": settings.url,
        "timeout": _TIMEOUT_S,
        "max.retries": _RETRIES,
        "retries.wait.ms": _RETRY_AFTER_MS,
    }
    if settings.password is not None:
        password = settings.password.get_secret_value()
        options["basic.auth.user.info"] = f"{settings.username}:{password}"
    if settings.token is not None or settings.token_source is not None:
        options["bearer.auth.credentials.source"] = "CUSTOM"
        options["bearer.auth.custom.provider.function"] = functools.partial(_bearer, settings)
        options["bearer.auth.custom.provider.config"] = {}
    if not settings.verifies_certificate:
        options["ssl.ca.location"] = False
    elif settings.ca_pem is not None:
        options["ssl.ca.location"] = files.enter_context(private_file(settings.ca_pem))
    if (pair := settings.key_pair) is not None:
        pem = pair.certificate_pem + pair.key_pem.get_secret_value()
        options["ssl.certificate.location"] = files.enter_context(private_file(pem))
    return options


def _bearer(settings: RegistrySettings, _config: object) -> dict[str, str]:
    """Return the fields of a bearer login, with a valid token."""
    if settings.token is not None:
        token = settings.token.get_secret_value()
    else:
        assert settings.token_source is not None
        token = token_client(settings.token_source).token()
    fields = {
        "bearer.auth.token": token,
        "bearer.auth.logical.cluster": settings.logical_cluster,
    }
    if settings.identity_pool:
        fields["bearer.auth.identity.pool.id"] = settings.identity_pool
    return fields
