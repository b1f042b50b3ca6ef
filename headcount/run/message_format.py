"""The format of messages: how a service writes its events into the topic, as an option names it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

from headcount.errors import UsageError
from headcount.kafka_settings.registry_url import parse_registry_url

JSON: Final = "json"
RAW: Final = "raw"
BUILT_IN = (JSON, "cloudevents", "debezium", "avro", "protobuf", "json-schema", RAW)
FORMATS_GROUP = "headcount.formats"
"""The group of entry points with which a package adds formats."""

_NEED_SCHEMAS = frozenset({"avro", "protobuf", "json-schema"})
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")


@dataclass(frozen=True, slots=True)
class FormatSettings:
    """A format by name, where the event is in the decoded message, and the schema registry.

    `compare_at` is a JSON pointer; empty for the format's own place. `schema_registry` is a URL
    without secrets; empty if the format needs none.
    """

    name: str = JSON
    compare_at: str = ""
    schema_registry: str = ""


def format_names() -> tuple[str, ...]:
    """Return the names of all formats, including those that other packages add."""
    added = {entry_point.name for entry_point in entry_points(group=FORMATS_GROUP)}
    return (*BUILT_IN, *sorted(added.difference(BUILT_IN)))


def parse_format_settings(
    name: str, compare_at: str, schema_registry: str, names: Iterable[str]
) -> FormatSettings:
    """Parse `--format`, `--compare-at` and `--schema-registry`; an empty one has its default.

    `names` are those of all formats. UsageError names the option if one is not valid, or if two
    contradict each other.
    """
    settings = FormatSettings(
        parse_format_name(name or JSON, names),
        parse_compare_at(compare_at),
        parse_registry_url(schema_registry),
    )
    if settings.name == RAW and settings.compare_at:
        raise UsageError(
            f"--format {RAW} compares no content: leave out --compare-at, or name another format"
        )
    return settings


def check_registry(settings: FormatSettings, configured_url: Callable[[], str]) -> None:
    """Raise UsageError if a format needs a registry, and no option or Kafka setting names one.

    `configured_url` returns that of Kafka's settings, empty without one.
    """
    needs_one = settings.name in _NEED_SCHEMAS and not settings.schema_registry
    if needs_one and not configured_url():
        raise UsageError(
            f"--format {settings.name} reads messages with their schemas: add --schema-registry URL"
        )


def parse_format_name(name: str, names: Iterable[str]) -> str:
    """Return the name of a format. UsageError if there is no such format."""
    known = tuple(names)
    if name not in known:
        raise UsageError(f"--format must be one of {', '.join(known)}; got {name!r}")
    return name


def parse_compare_at(pointer: str) -> str:
    """Return a JSON pointer (RFC 6901), or an empty text. UsageError if it is neither."""
    if pointer and not _POINTER.fullmatch(pointer):
        raise UsageError(f"--compare-at must be a JSON pointer, such as /data; got {pointer!r}")
    return pointer
