"""Classes: the vocabulary of the verifier, and the one table that gives every attempt its fate.

An *attempt* is a request that a generator set out to make; its *outcome* is what the generator
knows about it (see `headcount/run/request_outcome.py`). Its outcome and the number of its messages
in the topic determine its *class*:

- delivered: acked, and seen once. The normal case.
- lost: acked, but not seen. The service promised an event that is not there.
- duplicated: acked or indeterminate, and seen more than once.
- recovered: indeterminate, and seen once. Allowed: the service promised nothing.
- absent: indeterminate, and not seen. Allowed for the same reason.
- refused: failed, and not seen. Correct.
- ghost: failed, but seen. The service published an event that it reported as failed.

These seven always add up to the attempts. A message that belongs to no attempt is

- phantom: its id claims this run, but no generator requested it; counted by id.
- foreign: its id claims another run, or it has no id; counted by message, and not a failure.
- malformed: it cannot be decoded (as JSON, or as `--format` says), or has an ambiguous id; counted
  by message. If it hides the id of an acked attempt, that attempt is lost.
- garbled: malformed, but its bytes contain an id of this run. What it was cannot be known: a second
  copy, an event that was reported as failed, or one that was altered beyond recognition.

In addition to its class, an attempt that was seen can have flags:

- corrupted: a copy differs from the request in a field that the generator specified.
- reordered: a later request with the same generator and message key, sent after this one was
  answered, precedes it in the same partition; if there are several copies, the first one counts.
- late: its message is later than the intended time by more than the limit.
- misplaced: it is in the topic, but not at the partition and offset that the service named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

from headcount.run.request_outcome import Outcome


class Seen(StrEnum):
    """How often an id was seen in the topic."""

    NEVER = "never"
    ONCE = "once"
    MORE = "more"


class Fate(StrEnum):
    """The class of an attempt, or of an id that no generator requested."""

    DELIVERED = "delivered"
    LOST = "lost"
    DUPLICATED = "duplicated"
    RECOVERED = "recovered"
    ABSENT = "absent"
    REFUSED = "refused"
    GHOST = "ghost"
    PHANTOM = "phantom"


FLAGS = ("corrupted", "reordered", "late", "misplaced")
ATTEMPT_FATES = tuple(fate for fate in Fate if fate is not Fate.PHANTOM)
UNEXCEPTIONAL = (Fate.DELIVERED, Fate.REFUSED)
UNCLASSED = "unclassed"
"""Stands for the class of an attempt that has no valid one."""

TABLE: Mapping[tuple[Outcome, Seen], Fate] = {
    (Outcome.ACKED, Seen.NEVER): Fate.LOST,
    (Outcome.ACKED, Seen.ONCE): Fate.DELIVERED,
    (Outcome.ACKED, Seen.MORE): Fate.DUPLICATED,
    (Outcome.INDETERMINATE, Seen.NEVER): Fate.ABSENT,
    (Outcome.INDETERMINATE, Seen.ONCE): Fate.RECOVERED,
    (Outcome.INDETERMINATE, Seen.MORE): Fate.DUPLICATED,
    (Outcome.FAILED, Seen.NEVER): Fate.REFUSED,
    (Outcome.FAILED, Seen.ONCE): Fate.GHOST,
    (Outcome.FAILED, Seen.MORE): Fate.GHOST,
}
"""The complete classification; `reconciliation/reconcile.py` looks up every attempt in it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of each class; attempts and phantoms by id, foreign and malformed by message."""

    attempted: int = 0
    acked: int = 0
    failed: int = 0
    indeterminate: int = 0
    delivered: int = 0
    lost: int = 0
    duplicated: int = 0
    recovered: int = 0
    absent: int = 0
    refused: int = 0
    ghost: int = 0
    phantom: int = 0
    foreign: int = 0
    malformed: int = 0
    corrupted: int = 0
    reordered: int = 0
    late: int = 0
    garbled: int = 0
    misplaced: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Add two counts, key by key."""
        ours, theirs = self.as_dict(), other.as_dict()
        return Counts(**{key: ours[key] + theirs[key] for key in ours})

    def as_dict(self) -> dict[str, int]:
        """Return the counts by key, in the order of the fields."""
        return asdict(self)

    @property
    def classed(self) -> int:
        """The sum of the seven classes of attempts."""
        return sum(int(getattr(self, fate)) for fate in ATTEMPT_FATES)

    @property
    def contradictions(self) -> tuple[str, ...]:
        """The sums that contradict each other; there must be none."""
        answered = self.acked + self.failed + self.indeterminate
        contradictions = []
        if self.classed != self.attempted:
            contradictions.append(
                f"the classes add up to {self.classed}, not to {self.attempted} attempts"
            )
        if answered != self.attempted:
            contradictions.append(
                f"the outcomes add up to {answered}, not to {self.attempted} attempts"
            )
        return tuple(contradictions)


COUNT_KEYS = tuple(field.name for field in fields(Counts))


def total(counts: Iterable[Counts]) -> Counts:
    """Add up counts."""
    return sum(counts, start=Counts())
