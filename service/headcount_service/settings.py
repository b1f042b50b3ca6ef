"""The service's settings: read from the environment once, checked as a whole, then passed on.

Nothing else in the service reads the environment. Every variable begins with `SERVICE_`; an unknown
one is an error, because it is most likely a misspelling.
"""

import functools
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from headcount.errors import UsageError
from headcount.kafka_settings import config_file, kafka_python
from headcount.kafka_settings.settings import KafkaSettings
from headcount_service.errors import SettingsError

PREFIX = "SERVICE_"
_MAX_PORT = 65535
_SWITCH = "on or off"
_SECRET = frozenset({"database_url", "kafka_settings"})
"""Settings that may hold a password: error messages do not quote them."""


class Settings(BaseSettings):
    """The settings: the variable `SERVICE_ACK_TIMEOUT_S` sets the field `ack_timeout_s`.

    A field's title says what it is for. Error messages quote its description as the rule.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        validate_default=False,
        hide_input_in_errors=True,
    )

    bootstrap_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        title="the Kafka brokers",
        default=("127.0.0.1:9092",),
        description="host:port, or several separated by commas",
    )
    topic: str = Field(
        title="the topic that events are published to",
        default="events",
        pattern=r"^[A-Za-z0-9._-]{1,249}$",
        description="1 to 249 letters, digits, dots, underscores or hyphens",
    )
    kafka_config: str = Field(
        title="how to connect to the brokers",
        default="",
        description="a file with the settings of a Kafka client: TLS, login",
    )
    kafka_settings: str = Field(
        title="settings of the connection that override those of SERVICE_KAFKA_CONFIG",
        default="",
        description="name=value settings of a Kafka client, one per line",
    )
    acks: Literal["all", "1", "0"] = Field(
        title="the acknowledgements that the producer waits for",
        default="all",
        description="all, 1 or 0",
    )
    idempotence: bool = Field(
        title="whether the producer is idempotent, so that its retries write no event twice",
        default=True,
        description=_SWITCH,
    )
    publish: bool = Field(
        title="whether events are published; off only to measure the service without Kafka",
        default=True,
        description=_SWITCH,
    )
    ack_timeout_s: float = Field(
        title="how long a request waits for its acknowledgement before it gets a 504",
        default=10.0,
        ge=0.1,
        le=60,
        description="a number of seconds from 0.1 to 60",
    )
    connect_timeout_s: float = Field(
        title="how long the service waits for a broker when it connects",
        default=2.0,
        ge=0.1,
        le=30,
        description="a number of seconds from 0.1 to 30",
    )
    max_outstanding: int = Field(
        title="how many events of a worker may await acknowledgement; further requests get a 503",
        default=1024,
        ge=1,
        le=100_000,
        description="a whole number from 1 to 100000",
    )
    host: str = Field(
        title="the address that the service listens on",
        default="127.0.0.1",
        pattern=r"^[A-Za-z0-9.:_-]{1,253}$",
        description="a host name or an address",
    )
    port: int = Field(
        title="the port that the service listens on",
        default=8000,
        ge=1,
        le=65535,
        description="a whole number from 1 to 65535",
    )
    workers: int = Field(
        title="how many worker processes gunicorn starts",
        default=2,
        ge=1,
        le=64,
        description="a whole number from 1 to 64",
    )
    threads: int = Field(
        title="how many threads each worker has",
        default=16,
        ge=1,
        le=512,
        description="a whole number from 1 to 512",
    )
    max_headers: int = Field(
        title="how many headers a request may have; with more, it gets a 431",
        default=64,
        ge=8,
        le=1000,
        description="a whole number from 8 to 1000",
    )
    max_header_bytes: int = Field(
        title="how many bytes a request's headers may have; with more, it gets a 431",
        default=16_384,
        ge=256,
        le=131_072,
        description="a whole number from 256 to 131072",
    )
    max_body_bytes: int = Field(
        title="how many bytes a request's body may have; with more, it gets a 413",
        default=65_536,
        ge=0,
        le=1_048_576,
        description="a whole number from 0 to 1048576",
    )
    max_event_bytes: int = Field(
        title="how many bytes a Kafka record may have; with more, the request gets a 413",
        default=1_000_000,
        ge=512,
        le=16_777_216,
        description="a whole number from 512 to 16777216",
    )
    database_url: str = Field(
        title="the database of the game's state",
        default="sqlite:///game.sqlite3",
        pattern=r"^(sqlite:///.+|postgresql\+psycopg://([^@/]*@)?[^@]+)$",
        description="sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME, with @ and / "
        "in USER and PASSWORD as %40 and %2F",
    )
    database_timeout_s: float = Field(
        title="how long a request waits for the database",
        default=5.0,
        ge=0.1,
        le=60,
        description="a number of seconds from 0.1 to 60",
    )
    log_level: Literal["info", "warning", "error"] = Field(
        title="the least severe messages that are logged",
        default="info",
        description="info, warning or error",
    )

    @field_validator("bootstrap_servers", mode="before")
    @classmethod
    def _split_servers(cls, value: Any) -> tuple[str, ...]:
        """Split `a:1, b:2`, and check that each part is a host and a port."""
        servers = tuple(server.strip() for server in str(value).split(","))
        if not all(map(_is_host_and_port, servers)):
            raise PydanticCustomError("host_and_port", "not a list of host:port")
        return servers

    @field_validator("kafka_settings")
    @classmethod
    def _check_lines(cls, value: str) -> str:
        config_file.setting_lines(value)
        return value

    @functools.cached_property
    def connection(self) -> KafkaSettings:
        """How to connect to the brokers. UsageError if a setting is wrong."""
        path = Path(self.kafka_config) if self.kafka_config else None
        return config_file.load(path, config_file.setting_lines(self.kafka_settings))

    @property
    def connection_options(self) -> dict[str, Any]:
        """The options of kafka-python's clients: where the brokers are, and how to connect."""
        servers = list(self.bootstrap_servers)
        return {"bootstrap_servers": servers, **kafka_python.client_options(self.connection)}

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        """Reject combinations that kafka-python would reject only after a worker has started."""
        if self.idempotence and self.acks != "all":
            raise PydanticCustomError(
                "conflict",
                "SERVICE_ACKS='{acks}' needs SERVICE_IDEMPOTENCE=off, because an idempotent "
                "producer waits for every in-sync replica: set SERVICE_IDEMPOTENCE=off, or "
                "SERVICE_ACKS=all",
                {"acks": self.acks},
            )
        return self


def _is_host_and_port(server: str) -> bool:
    host, _, port = server.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return False
    is_host = bool(host) and not any(character in host for character in " \t/@[]")
    return is_host and port.isascii() and port.isdigit() and 1 <= int(port) <= _MAX_PORT


@functools.cache
def load_settings() -> Settings:
    """Read the environment, once; a gunicorn worker inherits its master's settings.

    Raises:
        SettingsError: A line for each invalid setting, with the variable, its value and the rule.
    """
    lines = _unknown_variables()
    try:
        settings = Settings()
        settings.connection_options  # noqa: B018 - a mistake must be reported at the start
    except ValidationError as error:
        lines += map(_line, error.errors())
    except UsageError as error:
        lines.append(f"SERVICE_KAFKA_CONFIG: {error}")
    if lines:
        raise SettingsError("\n".join(lines))
    return settings


def _unknown_variables() -> list[str]:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return [
        f"{name} is not a known setting; the settings are {', '.join(sorted(known))}"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    ]


def _line(error: ErrorDetails) -> str:
    if not error["loc"]:
        return error["msg"]
    name = str(error["loc"][0])
    rule = Settings.model_fields[name].description
    value = "" if name in _SECRET else f"={error['input']!r}"
    return f"{PREFIX}{name.upper()}{value} must be {rule}"
