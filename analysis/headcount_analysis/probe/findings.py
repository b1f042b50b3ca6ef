"""Findings of a probe: what its requests caused in each topic, and whether a run can be judged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headcount.errors import EvidenceError
from headcount.run.probe_ids import HeaderIds
from headcount_analysis.messages.found_place import FoundPlace, places_in
from headcount_analysis.messages.json_message import parse
from headcount_analysis.messages.record import Record
from headcount_analysis.probe.compared_objects import objects_in
from headcount_analysis.probe.fit import FormatMaker, OptionsFit, fit_of
from headcount_analysis.probe.probe_request import ProbeRequest, match_fields


@dataclass(frozen=True, slots=True)
class TopicSample:
    """What a probe saw of a topic.

    `grown` counts the messages since the probe began, and `searched` those that were searched for
    ids. `own` are those with an id of the probe; `others` is a sample of those without.
    """

    topic: str
    grown: int
    searched: int
    own: tuple[Record, ...] = ()
    others: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicFinding:
    """What a probe found in a topic; `fit` is None if no options read ids there.

    Without a fit, `place` is where the first id was seen, if any was. `alike` counts the messages
    without an id whose content is that of a request.
    """

    sample: TopicSample
    fit: OptionsFit | None
    place: FoundPlace | None = None
    alike: int = 0


@dataclass(frozen=True, slots=True)
class ProbeFindings:
    """What a probe found.

    `answers` has the first failure of each kind: the body of a response by its status, or an error
    by its type. `problems` are sentences on what else went wrong.
    """

    requests: tuple[ProbeRequest, ...]
    topics: tuple[TopicFinding, ...]
    answers: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def acked(self) -> frozenset[int]:
        """The acknowledged requests."""
        return frozenset(request.seq for request in self.requests if request.is_acked)

    @property
    def best(self) -> OptionsFit | None:
        """The fit that reads the most ids of acknowledged requests; None without a fit."""
        fits = [topic.fit for topic in self.topics if topic.fit is not None]
        return max(fits, key=lambda fit: len(self.read_by(fit)), default=None)

    def read_by(self, fit: OptionsFit) -> frozenset[int]:
        """Return the acknowledged requests whose ids a fit reads."""
        return self.acked & fit.messages.keys()

    @property
    def is_complete(self) -> bool:
        """Whether the ids of all acknowledged requests are at one place of one topic."""
        return bool(self.acked) and self.best is not None and self.read_by(self.best) == self.acked

    @property
    def exit_code(self) -> int:
        """The command's exit code."""
        return 0 if self.is_complete else EvidenceError.exit_code

    @property
    def acked_by_type(self) -> dict[str, tuple[int, int]]:
        """The requests and the acknowledged requests of each event type."""
        total = Counter(request.event_type for request in self.requests)
        acked = Counter(request.event_type for request in self.requests if request.is_acked)
        return {name: (total[name], acked[name]) for name in sorted(total)}


def find(
    sample: TopicSample,
    requests: Mapping[int, ProbeRequest],
    header_ids: tuple[HeaderIds, ...],
    formats: FormatMaker,
) -> TopicFinding:
    """Find the options that fit a topic.

    Raises EvidenceError if the schema registry does not answer.
    """
    fit = fit_of(sample.topic, sample.own, requests, header_ids, formats) if sample.own else None
    place = None if fit is not None else _first_place(sample.own, header_ids)
    asked = list(requests.values())
    alike = 0 if sample.own else sum(_is_alike(record, asked) for record in sample.others)
    return TopicFinding(sample, fit, place, alike)


def _first_place(records: Sequence[Record], header_ids: tuple[HeaderIds, ...]) -> FoundPlace | None:
    places = (
        place
        for record in records
        for probed in header_ids
        for place in places_in(probed.ids, record)
    )
    return next(places, None)


def _is_alike(record: Record, requests: Sequence[ProbeRequest]) -> bool:
    """Whether an object in a message has all the fields of some request, with equal values."""
    root = parse(record.value).event
    if root is None:
        return False
    candidates = [root, *(value for _, value in objects_in(root))]
    return any(
        request.fields and not match_fields(request, candidate).unequal
        for request in requests
        for candidate in candidates
    )
