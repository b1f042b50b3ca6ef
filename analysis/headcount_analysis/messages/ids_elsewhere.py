"""Ids elsewhere: where messages carry the ids of a run, if not in the expected place.

An event with its id elsewhere is not lost. So a sample of the messages without an id in the
expected field is searched for a whole id of the run.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from headcount.run.id_form import RunIds
from headcount.run.id_location import IdLocation
from headcount_analysis.messages.found_place import FoundPlace, PlaceKind, places_in
from headcount_analysis.messages.json_message import ParsedMessage, parse
from headcount_analysis.messages.record import Record

_SHOWN = 3


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

    `at_location` is how many messages had their id in that field, and `looked_at` how many of the
    others were searched. `samples` are places in the run's topic; `elsewhere` are places in other
    topics, which are searched only if the run's topic has no id. `unreadable` is the most frequent
    defect of the messages that were searched, if most of them are unreadable and without an id.
    """

    topic: str = ""
    location: IdLocation = field(default_factory=IdLocation)
    at_location: int = 0
    messages: int = 0
    missing: int = 0
    looked_at: int = 0
    samples: tuple[PlaceSample, ...] = ()
    elsewhere: tuple[PlaceSample, ...] = ()
    unreadable: str = ""

    @property
    def is_doubtful(self) -> bool:
        """Whether events are missing, and no message has an id in the expected field."""
        return self.missing > 0 and self.at_location == 0

    @property
    def evidence(self) -> str:
        """Describe what was seen instead of ids in the expected field."""
        if not self.messages:
            seen = f"the topic {self.topic} has received no message since the run began"
        else:
            seen = (
                f"no message in the topic {self.topic} has an id of the run "
                f"{self.location.phrase}, so no loss can be proven"
            )
        return f"{seen}; {self._instead}"

    @property
    def _instead(self) -> str:
        if self.samples:
            return f"the id is {_joined(self.samples)}"
        if self.elsewhere:
            first = self.elsewhere[0]
            return f"the id is in the topic {first.topic}, {_joined([first])}"
        searched = f"none of the {self.looked_at} messages that were searched has an id anywhere"
        if self.unreadable:
            searched += f", and most of these are unreadable ({self.unreadable})"
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
        if self.unreadable:
            return (
                "name the format of the messages with --format, or make the service put the id "
                "into a record header or the key"
            )
        return (
            "make the service copy the request's id into its messages, or name with --id-header a "
            "header that it already copies"
        )

    def _is_in_place(self, sample: PlaceSample) -> bool:
        return sample.place.location == self.location

    @property
    def notes(self) -> Iterator[str]:
        """Note that some messages, but not all, have their id elsewhere."""
        if self.missing and self.at_location and self.samples:
            yield (
                f"{sum(sample.count for sample in self.samples)} of {self.looked_at} messages that "
                f"were searched have an id of this run, but not {self.location.phrase}: "
                f"{_joined(self.samples)}; {self.samples[0].place.remedy}"
            )


def _joined(samples: Sequence[PlaceSample]) -> str:
    return " and ".join(sample.phrase for sample in samples[:_SHOWN])


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A decoded message, and what is where the run expects an id: a text, a defect, or neither."""

    decoded: ParsedMessage
    text: str | None = None
    defect: str | None = None


def seen_as_json(record: Record) -> SeenMessage:
    """Read a message as plain JSON, without looking where the run expects an id."""
    return SeenMessage(parse(record.value))


@dataclass(slots=True)
class Search:
    """Searches records for whole ids of a run; those with one in place are left out.

    `see` returns what a run sees of a record. `defects` counts those without an id anywhere whose
    value cannot be read.
    """

    ids: RunIds
    see: Callable[[Record], SeenMessage] = seen_as_json
    looked_at: int = 0
    defects: Counter[str] = field(default_factory=Counter)
    _samples: dict[FoundPlace, PlaceSample] = field(default_factory=dict)

    def look(self, records: Iterable[Record]) -> None:
        """Search records."""
        for record in records:
            seen = self.see(record)
            if seen.text is None or self.ids.parse(seen.text) is None:
                self.looked_at += 1
                self._look(record, seen)

    def _look(self, record: Record, seen: SeenMessage) -> None:
        place = next(places_in(self.ids, record, seen.decoded), None)
        if seen.defect is not None and (place is not None or self.ids.is_in(record.value)):
            place = FoundPlace(PlaceKind.UNCERTAIN, seen.defect)
        defect = seen.decoded.defect
        if place is None:
            self.defects.update(() if defect is None else (defect,))
            return
        place = place if defect is None else place.if_undecoded(defect)
        where = record.topic, record.partition, record.offset
        known = self._samples.get(place, PlaceSample(place, 0, *where))
        self._samples[place] = PlaceSample(
            place, known.count + 1, known.topic, known.partition, known.offset
        )

    @property
    def samples(self) -> tuple[PlaceSample, ...]:
        """The places of ids, the most frequent first."""
        return tuple(sorted(self._samples.values(), key=lambda sample: -sample.count))

    @property
    def unreadable(self) -> str:
        """The most frequent of `defects`, if they count most records searched; else empty."""
        if 2 * self.defects.total() <= self.looked_at:
            return ""
        ((name, _count),) = self.defects.most_common(1)
        return name
