"""The format of messages: how a service writes its events into the topic, as an option names it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final
from urllib.parse import urlsplit

from headcount.errors import UsageError
from headcount.run.address import without_secrets

JSON: Final = "json"
RAW: Final = "raw"
BUILT_IN = (JSON, "cloudevents", "debezium", "avro", "protobuf", "json-schema", RAW)
FORMATS_GROUP = "headcount.formats"
"""The group of entry points with which a package adds formats."""

_NEED_SCHEMAS = frozenset({"avro", "protobuf"})
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")
_NEITHER_SPACE_NOR_CONTROL = re.compile(r"[^\s\x00-\x1f\x7f]+")


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
    """Return the names of all formats, also of those that other packages add."""
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
        parse_registry(schema_registry),
    )
    if settings.name in _NEED_SCHEMAS and not settings.schema_registry:
        raise UsageError(
            f"--format {settings.name} reads messages with their schemas: add --schema-registry URL"
        )
    if settings.name == RAW and settings.compare_at:
        raise UsageError(
            f"--format {RAW} compares no content: leave out --compare-at, or name another format"
        )
    return settings


def parse_format_name(name: str, names: Iterable[str]) -> str:
    """Return the name of a known format. UsageError if there is none of that name."""
    known = tuple(names)
    if name not in known:
        raise UsageError(f"--format must be one of {', '.join(known)}; got {name!r}")
    return name


def parse_compare_at(pointer: str) -> str:
    """Return a JSON pointer (RFC 6901), or an empty text. UsageError if it is neither."""
    if pointer and not _POINTER.fullmatch(pointer):
        raise UsageError(f"--compare-at must be a JSON pointer, such as /data; got {pointer!r}")
    return pointer


def parse_registry(url: str) -> str:
    """Return the URL of a schema registry without secrets, or an empty text.

    UsageError, which contains no secret either, if it is not a URL over HTTP.
    """
    cleaned = without_secrets(url)
    if url and not _is_http(url, cleaned):
        shown = without_secrets(url.rpartition("@")[2])
        raise UsageError(
            "--schema-registry must be a URL such as https://registry:8081, and a password in it "
            f"percent-encoded; got {shown!r}, user and password left out"
            if "@" in url
            else f"--schema-registry must be a URL such as https://registry:8081, got {shown!r}"
        )
    return cleaned.partition("#")[0]


def _is_http(url: str, cleaned: str) -> bool:
    if not _NEITHER_SPACE_NOR_CONTROL.fullmatch(url) or "@" in cleaned:
        return False
    try:
        parts = urlsplit(cleaned)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a port that is not a number
        return False
