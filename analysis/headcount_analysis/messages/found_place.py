"""Found places: where a record has an id of a run, wherever that is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from headcount.ledger.canonical_json import pointer
from headcount.run.id_form import RunIds
from headcount.run.id_location import TRACEPARENT, IdLocation, LocationKind
from headcount_analysis.messages.json_message import framed_schema, parse
from headcount_analysis.messages.record import Record

_LONGEST_NAME = 100
_MOST_VALUES = 10_000
"""The most values of a message that are searched."""

_CARRY = "let the service write the whole id into a field, a record header or the key"

Path = tuple[str | int, ...]


class PlaceKind(StrEnum):
    """The kind of place where an id was seen."""

    FIELD = "field"
    NESTED = "nested"
    WITHIN = "within"
    TWICE = "twice"
    FRAMED = "framed"
    UNREADABLE = "unreadable"
    HEADER = "header"
    KEY = "key"
    TRACEPARENT = "traceparent"


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """The place of an id in a message; `name` is a field, a header, or a value's defect."""

    kind: PlaceKind
    name: str = ""

    @property
    def phrase(self) -> str:
        """Describe the place, for use in a sentence."""
        location = self.location
        if location is not None:
            return f"nested {location.phrase}" if self.kind is PlaceKind.NESTED else location.phrase
        return {
            PlaceKind.WITHIN: f"within a longer text at {self.name}",
            PlaceKind.TWICE: "in JSON that is encoded twice",
            PlaceKind.FRAMED: f"in a value {self.name}",
            PlaceKind.UNREADABLE: f"in a value that is {self.name}",
        }[self.kind]

    @property
    def location(self) -> IdLocation | None:
        """The location that reads the id there; None if no option does."""
        kind = _LOCATIONS.get(self.kind)
        return None if kind is None else IdLocation(kind, self.name)

    @property
    def remedy(self) -> str:
        """Name the remedy."""
        location = self.location
        return f"--id-at {location}" if location else _REMEDIES.get(self.kind, _CARRY)


_LOCATIONS = {
    PlaceKind.FIELD: LocationKind.FIELD,
    PlaceKind.NESTED: LocationKind.JSON,
    PlaceKind.HEADER: LocationKind.HEADER,
    PlaceKind.KEY: LocationKind.KEY,
    PlaceKind.TRACEPARENT: LocationKind.TRACEPARENT,
}
_REMEDIES = {
    PlaceKind.TWICE: "let the service encode its event once",
    PlaceKind.FRAMED: "--format avro, protobuf or json-schema, with --schema-registry URL",
}


def places_in(ids: RunIds, record: Record) -> Iterator[FoundPlace]:
    """Yield the places of ids in a record: in its value, its headers, its key."""
    yield from _in_value(ids, record.value or b"")
    yield from places_beside_value(ids, record)


def places_beside_value(ids: RunIds, record: Record) -> Iterator[FoundPlace]:
    """Yield the places of ids in a record's headers and in its key."""
    yield from (_header(name) for name, value in record.headers if ids.is_in(value))
    if ids.is_in(record.key):
        yield FoundPlace(PlaceKind.KEY)


def places_in_event(ids: RunIds, event: Mapping[str, object]) -> Iterator[FoundPlace]:
    """Yield the places of ids in a decoded message, the outer ones first."""
    for path, text in texts_in(event):
        name = pointer(path)[:_LONGEST_NAME]
        if ids.parse(text):
            yield FoundPlace(PlaceKind.FIELD if len(path) == 1 else PlaceKind.NESTED, name)
        elif ids.is_in(text.encode(errors="replace")):
            yield FoundPlace(PlaceKind.WITHIN, name)


def texts_in(event: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    """Yield the texts in a decoded message and their paths, the outer ones first."""
    return ((path, value) for path, value in values_in(event) if isinstance(value, str))


def values_in(event: Mapping[str, object]) -> Iterator[tuple[Path, object]]:
    """Yield a decoded message and the values in it with their paths, the outer ones first."""
    waiting: list[tuple[Path, object]] = [((), event)]
    for path, value in waiting:
        yield path, value
        if len(waiting) > _MOST_VALUES:
            continue
        if isinstance(value, Mapping):
            waiting += [((*path, name), item) for name, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, place), item) for place, item in enumerate(value)]


def _in_value(ids: RunIds, value: bytes) -> Iterator[FoundPlace]:
    if not ids.occurs_in(value):
        return
    schema = framed_schema(value)
    parsed = parse(value) if schema is None else None
    if parsed is None:
        yield FoundPlace(PlaceKind.FRAMED, f"framed by a schema registry, schema {schema}")
    elif parsed.event is not None:
        yield from places_in_event(ids, parsed.event)
    elif parsed.defect == "JSON inside a JSON string":
        yield FoundPlace(PlaceKind.TWICE)
    else:
        yield FoundPlace(PlaceKind.UNREADABLE, parsed.defect or "unreadable")


def _header(name: str) -> FoundPlace:
    if name.lower() == TRACEPARENT:
        return FoundPlace(PlaceKind.TRACEPARENT)
    return FoundPlace(PlaceKind.HEADER, name)
