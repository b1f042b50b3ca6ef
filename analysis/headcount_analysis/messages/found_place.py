"""Found places: where a record has an id of a run, wherever that is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from headcount.json_pointer import pointer_of
from headcount.ledger.canonical_json import pointer
from headcount.run.id_form import RunIds
from headcount.run.id_location import TRACEPARENT, IdLocation, LocationKind
from headcount.run.trace_context import trace_id_of
from headcount_analysis.messages.encodings import recoded
from headcount_analysis.messages.json_message import ParsedMessage, framed_schema, parse
from headcount_analysis.messages.record import Record

_LONGEST_NAME = 100
_MOST_VALUES = 10_000
"""The maximum number of values of a message that are searched."""

_KEY = "the record's key"
_OTHERWISE = "but not in the run's form of ids"
_CARRY = "make the service write the whole id into a field, a record header or the key"

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
    PART = "part"
    UNCERTAIN = "uncertain"
    UNDECODED = "undecoded"


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """The place of an id in a message; `name` is a field, a header, a place, or a defect."""

    kind: PlaceKind
    name: str = ""

    @property
    def phrase(self) -> str:
        """Describe the place, for use in a sentence."""
        location = self.location
        if location is not None:
            is_nested = self.kind is PlaceKind.NESTED and len(location.path) > 1
            return f"nested {location.phrase}" if is_nested else location.phrase
        return {
            PlaceKind.WITHIN: f"in the text at {self.name}, {_OTHERWISE}",
            PlaceKind.TWICE: "in JSON that is encoded twice",
            PlaceKind.FRAMED: f"in a value {self.name}",
            PlaceKind.UNREADABLE: f"in a value that is {self.name}",
            PlaceKind.PART: f"in {self.name}, {_OTHERWISE}",
            PlaceKind.UNCERTAIN: f"there, but {self.name}",
            PlaceKind.UNDECODED: f"in a value that the run's --format cannot read ({self.name})",
        }[self.kind]

    @property
    def location(self) -> IdLocation | None:
        """The location that reads the id there; None if no option does."""
        kind = _LOCATIONS.get(self.kind)
        return None if kind is None else IdLocation(kind, self.name)

    def if_undecoded(self, defect: str) -> "FoundPlace":
        """Return the place to report for a message that the run's format cannot decode.

        An id that was found only by reading the value as plain JSON is at no place that an option
        could name. The place is then the `defect`.
        """
        is_named = self.kind in _IN_JSON or (self.kind is PlaceKind.FRAMED and self.name != defect)
        return FoundPlace(PlaceKind.UNDECODED, defect) if is_named else self

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
_IN_JSON = frozenset({PlaceKind.FIELD, PlaceKind.NESTED, PlaceKind.WITHIN})
_REMEDIES = {
    PlaceKind.UNCERTAIN: "make the service write the id only once",
    PlaceKind.UNDECODED: "check --format and --compare-at, or what the service writes there",
    PlaceKind.TWICE: "make the service encode its event only once",
    PlaceKind.FRAMED: "set --format to avro, protobuf or json-schema, and add --schema-registry "
    "URL",
}


def places_in(
    ids: RunIds, record: Record, decoded: ParsedMessage | None = None
) -> Iterator[FoundPlace]:
    """Yield the places of ids in a record: in its value, its headers, its key.

    If it is `decoded`, its value is searched as the run reads it, and only then as plain JSON.
    """
    if decoded is not None and decoded.whole is not None:
        is_whole = decoded.whole is decoded.event
        yield from places_in_event(ids, decoded.whole, has_fields=is_whole)
    yield from _in_value(ids, record.value or b"")
    yield from places_beside_value(ids, record)


def places_beside_value(ids: RunIds, record: Record) -> Iterator[FoundPlace]:
    """Yield the places of ids in a record's headers and in its key."""
    for name, value in record.headers:
        if _is_mentioned(ids, value):
            yield _header(ids, name, value)
    if _is_mentioned(ids, record.key):
        is_whole = ids.parse((record.key or b"").decode(errors="replace"))
        yield FoundPlace(PlaceKind.KEY) if is_whole else FoundPlace(PlaceKind.PART, _KEY)


def places_in_event(
    ids: RunIds, event: Mapping[str, object], *, has_fields: bool = True
) -> Iterator[FoundPlace]:
    """Yield the places of ids in a decoded message, the outer ones first.

    `has_fields` says that the whole message is compared, so that its fields are the event's.
    """
    for path, text in texts_in(event):
        name = pointer(path)[:_LONGEST_NAME]
        if ids.parse(text):
            is_field = has_fields and len(path) == 1
            kind = PlaceKind.FIELD if is_field else PlaceKind.NESTED
            yield FoundPlace(kind, name if is_field else pointer_of(path)[:_LONGEST_NAME])
        elif _is_mentioned(ids, text.encode(errors="replace")):
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
        yield from _in_encoded(ids, value)
        return
    schema = framed_schema(value)
    parsed = parse(value) if schema is None else None
    if parsed is None:
        yield FoundPlace(PlaceKind.FRAMED, f"framed for a schema registry, schema {schema}")
    elif parsed.event is not None:
        yield from places_in_event(ids, parsed.event)
    elif parsed.defect == "JSON inside a JSON string":
        yield FoundPlace(PlaceKind.TWICE)
    else:
        yield FoundPlace(PlaceKind.UNREADABLE, parsed.defect or "unreadable")


def _in_encoded(ids: RunIds, value: bytes) -> Iterator[FoundPlace]:
    encoded = recoded(value)
    if encoded is not None and ids.is_in(encoded.content):
        yield FoundPlace(PlaceKind.UNREADABLE, encoded.name)


def _is_mentioned(ids: RunIds, content: bytes | None) -> bool:
    """Whether any bytes contain a whole id, or are a UUID of the run without hyphens."""
    if ids.is_in(content):
        return True
    try:
        uuid = UUID((content or b"").decode())
    except ValueError:
        return False
    return ids.parse(str(uuid)) is not None


def _header(ids: RunIds, name: str, value: bytes | None) -> FoundPlace:
    text = (value or b"").decode(errors="replace")
    if name.lower() == TRACEPARENT and ids.parse(trace_id_of(text) or ""):
        return FoundPlace(PlaceKind.TRACEPARENT)
    if ids.parse(text):
        return FoundPlace(PlaceKind.HEADER, name)
    return FoundPlace(PlaceKind.PART, f"the record header {name}")
