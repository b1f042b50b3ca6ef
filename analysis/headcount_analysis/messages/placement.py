"""Placement: where messages carry the ids of a run, if not in the expected field.

An event with its id elsewhere is not lost. So a sample of the messages without an id in the
expected field is searched for a whole id of the run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from headcount.ledger.canonical_json import pointer
from headcount.run.id_form import RunIds
from headcount.run.id_location import TRACEPARENT, IdLocation, LocationKind
from headcount_analysis.messages.json_message import framed_schema, parse
from headcount_analysis.messages.record import Record

_SHOWN = 3
_LONGEST_NAME = 100
_MOST_VALUES = 10_000
"""The most values of a message that are searched."""

_CARRY = "let the service write the whole id into a field, a record header or the key"


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
        return {
            PlaceKind.FIELD: f"in the top-level field {self.name}",
            PlaceKind.NESTED: f"nested at {self.name}",
            PlaceKind.WITHIN: f"within a longer text at {self.name}",
            PlaceKind.TWICE: "in JSON that is encoded twice",
            PlaceKind.FRAMED: f"in a value {self.name}",
            PlaceKind.UNREADABLE: f"in a value that is {self.name}",
            PlaceKind.HEADER: f"in the record header {self.name}",
            PlaceKind.KEY: "in the record's key",
            PlaceKind.TRACEPARENT: "in the record header traceparent",
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


@dataclass(frozen=True, slots=True)
class PlaceSample:
    """A place, the number of sampled messages with an id there, and the first of them."""

    place: FoundPlace
    count: int
    topic: str
    partition: int
    offset: int

    @property
    def phrase(self) -> str:
        """Describe the place, for use in a sentence."""
        return f"{self.place.phrase} (partition {self.partition}, offset {self.offset})"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a run's ids were seen, other than in the expected field.

    `in_place` messages had theirs in that field; `looked_at` is how many of the others were
    searched. `samples` are places in the run's topic; `elsewhere` are places in other topics, which
    are searched only if the run's topic has no id.
    """

    topic: str = ""
    location: IdLocation = field(default_factory=IdLocation)
    in_place: int = 0
    messages: int = 0
    missing: int = 0
    looked_at: int = 0
    samples: tuple[PlaceSample, ...] = ()
    elsewhere: tuple[PlaceSample, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether events are missing, and no message has an id in the expected field."""
        return self.missing > 0 and self.in_place == 0

    @property
    def evidence(self) -> str:
        """Describe what was seen instead of ids in the expected field."""
        if not self.messages:
            seen = f"the topic {self.topic} has no message since the run began"
        else:
            seen = (
                f"no message of the topic {self.topic} has an id of the run "
                f"{self.location.phrase}, so no loss is certain"
            )
        return f"{seen}; {self._instead}"

    @property
    def _instead(self) -> str:
        if self.samples:
            return f"the id is {_joined(self.samples)}"
        if self.elsewhere:
            first = self.elsewhere[0]
            return f"the id is in the topic {first.topic}, {_joined([first])}"
        searched = f"none of the {self.looked_at} messages that were searched has one anywhere"
        return searched if self.looked_at else "no other topic has an id of the run either"

    @property
    def remedy(self) -> str:
        """Name the remedy."""
        if self.samples:
            return self.samples[0].place.remedy
        if self.elsewhere:
            first = self.elsewhere[0]
            more = "" if self._is_in_place(first) else f", and {first.place.remedy}"
            return f"--topic {first.topic}{more}"
        if not self.messages:
            return (
                "check whether the service publishes at all, and to which topic and brokers: set "
                "--topic and --bootstrap-servers"
            )
        return (
            "let the service carry the request's id on into its messages, or name a header that it "
            "carries on already with --id-header"
        )

    def _is_in_place(self, sample: PlaceSample) -> bool:
        return sample.place.location == self.location

    @property
    def notes(self) -> Iterator[str]:
        """Note that some messages, but not all, have their id elsewhere."""
        if self.missing and self.in_place and self.samples:
            yield (
                f"{sum(sample.count for sample in self.samples)} of {self.looked_at} messages that "
                f"were searched have an id of this run, but not {self.location.phrase}: "
                f"{_joined(self.samples)}; {self.samples[0].place.remedy}"
            )


def _joined(samples: Sequence[PlaceSample]) -> str:
    return " and ".join(sample.phrase for sample in samples[:_SHOWN])


@dataclass(slots=True)
class Search:
    """Searches records for whole ids of a run."""

    ids: RunIds
    looked_at: int = 0
    _samples: dict[FoundPlace, PlaceSample] = field(default_factory=dict)

    def look(self, records: Iterable[Record]) -> None:
        """Search records."""
        for record in records:
            self.looked_at += 1
            place = self._place(record)
            if place is not None:
                where = record.topic, record.partition, record.offset
                known = self._samples.get(place, PlaceSample(place, 0, *where))
                self._samples[place] = PlaceSample(
                    place, known.count + 1, known.topic, known.partition, known.offset
                )

    @property
    def samples(self) -> tuple[PlaceSample, ...]:
        """The places of ids, the most frequent first."""
        return tuple(sorted(self._samples.values(), key=lambda sample: -sample.count))

    def _place(self, record: Record) -> FoundPlace | None:
        """Find the id of a record."""
        return (
            self._in_value(record.value or b"")
            or next((_header(n) for n, v in record.headers if self.ids.is_in(v)), None)
            or (FoundPlace(PlaceKind.KEY) if self.ids.is_in(record.key) else None)
        )

    def _in_value(self, value: bytes) -> FoundPlace | None:
        schema = framed_schema(value)
        if schema is not None and self.ids.occurs_in(value):
            return FoundPlace(PlaceKind.FRAMED, f"framed by a schema registry, schema {schema}")
        if not self.ids.occurs_in(value):
            return None
        parsed = parse(value)
        if parsed.event is not None:
            return self._in_event(parsed.event)
        if parsed.defect == "JSON inside a JSON string":
            return FoundPlace(PlaceKind.TWICE)
        return FoundPlace(PlaceKind.UNREADABLE, parsed.defect or "unreadable")

    def _in_event(self, event: Mapping[str, object]) -> FoundPlace | None:
        for path, text in _texts(event):
            content, name = text.encode(errors="replace"), pointer(path)[:_LONGEST_NAME]
            if self.ids.parse(text):
                return FoundPlace(PlaceKind.FIELD if len(path) == 1 else PlaceKind.NESTED, name)
            if self.ids.is_in(content):
                return FoundPlace(PlaceKind.WITHIN, name)
        return None


def _header(name: str) -> FoundPlace:
    if name.lower() == TRACEPARENT:
        return FoundPlace(PlaceKind.TRACEPARENT)
    return FoundPlace(PlaceKind.HEADER, name)


def _texts(event: Mapping[str, object]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the texts in an event and their paths, the outer ones first."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), event)]
    for path, value in waiting:
        if isinstance(value, str):
            yield path, value
        elif len(waiting) > _MOST_VALUES:
            continue
        elif isinstance(value, Mapping):
            waiting += [((*path, name), item) for name, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, place), item) for place, item in enumerate(value)]
