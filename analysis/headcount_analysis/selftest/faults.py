"""Faults: what the self-test does to an attempt or its partition, and how it must be reported.

The *label* of an id or a message is its class and its flags, such as `duplicated + corrupted`.
A fault that adds a message without an attempt leaves the attempt next to it unchanged.
"""

from collections.abc import Iterable
from enum import StrEnum

from headcount.run.request_outcome import Outcome
from headcount_analysis.classes_and_flags import FLAGS, Fate
from headcount_analysis.messages.kinds import MessageKind

CLEAN = Fate.DELIVERED.value

JOINED = " + "


class Fault(StrEnum):
    """A fault; the value is its name in the results."""

    DROPPED = "dropped"
    DUPLICATED = "duplicated"
    ALTERED = "altered"
    SWAPPED = "swapped in order"
    DELAYED = "delayed"
    MISPLACED = "misplaced"
    UNANSWERED = "published, unanswered"
    UNANSWERED_DROPPED = "dropped, unanswered"
    REFUSED = "refused"
    DENIED = "published, refused"
    DUPLICATED_UNANSWERED = "duplicated, unanswered"
    DUPLICATED_DENIED = "duplicated, refused"
    DUPLICATED_ALTERED = "duplicated, one altered"
    SWAPPED_ALTERED = "swapped and altered"
    INVENTED = "invented"
    FOREIGN = "foreign"
    UNPARSEABLE = "unparseable"
    GARBLED = "garbled"
    TOMBSTONE = "tombstone"


EXTRA_MESSAGE_FAULTS = frozenset(
    {Fault.INVENTED, Fault.FOREIGN, Fault.UNPARSEABLE, Fault.GARBLED, Fault.TOMBSTONE}
)
"""The faults that add a message to the topic that belongs to no attempt."""

SWAPS = frozenset({Fault.SWAPPED, Fault.SWAPPED_ALTERED})
"""The faults that also need the next attempt, which must be of the same player."""

OUTCOMES = {
    Fault.UNANSWERED: Outcome.INDETERMINATE,
    Fault.UNANSWERED_DROPPED: Outcome.INDETERMINATE,
    Fault.DUPLICATED_UNANSWERED: Outcome.INDETERMINATE,
    Fault.REFUSED: Outcome.FAILED,
    Fault.DENIED: Outcome.FAILED,
    Fault.DUPLICATED_DENIED: Outcome.FAILED,
}
"""The outcome of an attempt with one of these faults; with any other fault it is `acked`."""


def label(name: str, flags: Iterable[str] = ()) -> str:
    """Format a class and its flags, in the order of FLAGS."""
    chosen = set(flags)
    return JOINED.join([name, *(flag for flag in FLAGS if flag in chosen)])


EXPECTED = {
    Fault.DROPPED: label(Fate.LOST),
    Fault.DUPLICATED: label(Fate.DUPLICATED),
    Fault.ALTERED: label(Fate.DELIVERED, ["corrupted"]),
    Fault.SWAPPED: label(Fate.DELIVERED, ["reordered"]),
    Fault.DELAYED: label(Fate.DELIVERED, ["late"]),
    Fault.MISPLACED: label(Fate.DELIVERED, ["misplaced"]),
    Fault.UNANSWERED: label(Fate.RECOVERED),
    Fault.UNANSWERED_DROPPED: label(Fate.ABSENT),
    Fault.REFUSED: label(Fate.REFUSED),
    Fault.DENIED: label(Fate.GHOST),
    Fault.DUPLICATED_UNANSWERED: label(Fate.DUPLICATED),
    Fault.DUPLICATED_DENIED: label(Fate.GHOST),
    Fault.DUPLICATED_ALTERED: label(Fate.DUPLICATED, ["corrupted"]),
    Fault.SWAPPED_ALTERED: label(Fate.DELIVERED, ["corrupted", "reordered"]),
    Fault.INVENTED: label(Fate.PHANTOM),
    Fault.FOREIGN: label(MessageKind.FOREIGN),
    Fault.UNPARSEABLE: label(MessageKind.MALFORMED),
    Fault.GARBLED: label(MessageKind.GARBLED),
    Fault.TOMBSTONE: label(MessageKind.MALFORMED),
}
"""The label that the verifier must report for each fault."""
