"""The catalogue of formats: Headcount's own, and those of installed packages.

A package adds a format with an entry point in the group `headcount.formats`: its name is the name
of the format, its object a class that is called with `FormatOptions`. Headcount's own formats are
declared the same way in `pyproject.toml`, but are known without it, so that a checkout need not be
installed again.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from headcount.errors import UsageError
from headcount.kafka_settings.config_file import registry_from_environment
from headcount.kafka_settings.registry_settings import NO_REGISTRY, RegistrySettings
from headcount.run.message_format import FormatSettings
from headcount_analysis.formats.message_format import FormatOptions, MessageFormat

GROUP: Final = "headcount.formats"

_PACKAGE = "headcount_analysis.formats"

OWN: Final[Mapping[str, str]] = {
    "json": f"{_PACKAGE}.json_format:JsonFormat",
    "cloudevents": f"{_PACKAGE}.cloudevents_format:CloudEventsFormat",
    "debezium": f"{_PACKAGE}.debezium_format:DebeziumFormat",
    "avro": f"{_PACKAGE}.avro_format:AvroFormat",
    "protobuf": f"{_PACKAGE}.protobuf_format:ProtobufFormat",
    "json-schema": f"{_PACKAGE}.json_schema_format:JsonSchemaFormat",
    "raw": f"{_PACKAGE}.raw_format:RawFormat",
}
"""Headcount's own formats: by name, the class as an entry point writes it."""

_WITHOUT_REGISTRY: Final = frozenset({"json", "cloudevents", "debezium", "raw"})


def format_in(settings: FormatSettings, environ: Mapping[str, str]) -> MessageFormat:
    """Make the format that settings name, with the registry that the environment describes.

    The registry's settings are read only for a format that may need a registry: a file of Kafka's
    settings may contain settings that this version does not know. UsageError as for `format_of`.
    """
    asks_none = settings.name in _WITHOUT_REGISTRY
    return format_of(settings, NO_REGISTRY if asks_none else registry_from_environment(environ))


def format_of(settings: FormatSettings, registry: RegistrySettings = NO_REGISTRY) -> MessageFormat:
    """Make the format that settings name.

    Args:
        settings: The format's name, the place that is compared, and the registry's URL, which wins
            over that in `registry`.
        registry: How to connect to the schema registry.

    Raises:
        UsageError: There is no such format, it cannot be loaded, or lacks a setting.
    """
    entries = known_formats()
    entry = entries.get(settings.name)
    if entry is None:
        names = ", ".join(entries)
        raise UsageError(f"--format must be one of {names}; got {settings.name!r}")
    options = FormatOptions(settings.compare_at, registry.with_url(settings.schema_registry))
    made: MessageFormat = _loaded(entry)(options)
    return made


def known_formats() -> dict[str, EntryPoint]:
    """Return the formats that can be used, by name, Headcount's own first."""
    own = {name: EntryPoint(name, value, GROUP) for name, value in OWN.items()}
    installed = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return own | {entry.name: entry for entry in installed if entry.name not in own}


def _loaded(entry: EntryPoint) -> Callable[[FormatOptions], MessageFormat]:
    try:
        made: Callable[[FormatOptions], MessageFormat] = entry.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"--format {entry.name}: {entry.value} cannot be imported: {error}"
        ) from None
    return made
