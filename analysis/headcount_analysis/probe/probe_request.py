"""The requests of a probe, as they are recorded in the ledger."""

from dataclasses import dataclass
from typing import NamedTuple

from headcount.json_pointer import steps_of
from headcount.ledger.event_digest import names_of
from headcount.run.probe_ids import HeaderIds
from headcount.run.request_outcome import Outcome
from headcount_analysis.messages.field_differences import Difference, differences
from headcount_analysis.messages.json_message import Object, ParsedMessage
from headcount_analysis.messages.record import Record


class ProbeRequest(NamedTuple):
    """A request that named an event; `asked` and `shape` are as in the ledger."""

    seq: int
    event_type: str
    outcome: Outcome
    status: int | None
    error: str | None
    sent_at_ns: int
    shape: str
    asked: str

    @property
    def is_acked(self) -> bool:
        """Whether the service acknowledged it."""
        return self.outcome is Outcome.ACKED

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that are compared."""
        return names_of(self.shape)


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """How an object's fields compare with those of a request."""

    equal: tuple[str, ...]
    unequal: tuple[str, ...]
    differences: tuple[Difference, ...]


def match_fields(request: ProbeRequest, event: Object) -> FieldMatch:
    """Compare an object with a request's event."""
    found_differences = differences(request.asked, request.shape, ParsedMessage(event))
    names = {_top_level(difference.field) for difference in found_differences}
    return FieldMatch(
        tuple(name for name in request.fields if name not in names),
        tuple(name for name in request.fields if name in names),
        found_differences,
    )


def seqs_in(header_ids: tuple[HeaderIds, ...], record: Record) -> tuple[int, ...]:
    """Return the numbers of the requests whose ids are in a record, in any header's form."""
    contents = (record.value, record.key, *(value for _, value in record.headers))
    return tuple(
        dict.fromkeys(
            event_id.seq
            for probed in header_ids
            for content in contents
            if content
            for event_id in probed.ids.found_in(content)
        )
    )


def _top_level(name: str) -> str:
    """Return the top-level field that a name, which may be a JSON pointer, refers to."""
    return steps_of(name)[0] if name.startswith("/") else name
