"""Progress: what a generator tells, once a second, of the requests that it makes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from headcount.ledger import Row
from headcount.outcome import Outcome

_LONGEST_CAUSE = 60
_NS_PER_S, _NS_PER_US = 1_000_000_000, 1_000


@dataclass(frozen=True, slots=True)
class Ended:
    """Attempts that were sent in one second of Unix time and ended alike.

    `cause` says why they were not acknowledged: an HTTP status, or the kind of an error.
    """

    sent_s: int
    event_type: str
    outcome: str
    cause: str
    count: int


@dataclass(frozen=True, slots=True)
class Durations:
    """How long answers took that were asked for in one second, in µs."""

    sent_s: int
    event_type: str
    http_us: tuple[int, ...]
    from_intended_us: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a generator has begun in all, by event type, and what ended since it told last."""

    generator: int
    begun: Mapping[str, int]
    ended: tuple[Ended, ...] = ()
    durations: tuple[Durations, ...] = ()

    def packed(self) -> list[Any]:
        """Write it as lists of plain values, which msgpack and JSON can carry."""
        return [
            self.generator,
            dict(self.begun),
            [list(astuple(each)) for each in self.ended],
            [
                [each.sent_s, each.event_type, list(each.http_us), list(each.from_intended_us)]
                for each in self.durations
            ],
        ]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> "Progress":
        """Read what `packed` has written."""
        generator, begun, ended, durations = packed
        return cls(
            int(generator),
            begun,
            tuple(Ended(*each) for each in ended),
            tuple(Durations(*each[:2], *map(tuple, each[2:])) for each in durations),
        )


def progress(
    generator: int,
    rows: Iterable[Row],
    in_flight: Mapping[str, int],
    ended_before: Mapping[str, int],
    *,
    with_durations: bool,
) -> Progress:
    """Sum up rows of attempts that have ended.

    Args:
        generator: Whose they are.
        rows: Those that ended since the last time.
        in_flight: Attempts that have begun and not ended, by event type.
        ended_before: Attempts that ended before these rows, by event type.
        with_durations: Whether to tell how long each took.
    """
    taken = list(rows)
    ended = Counter(
        (row.sent_at_ns // _NS_PER_S, row.event_type, row.outcome, _cause(row)) for row in taken
    )
    begun = Counter(ended_before) + Counter(in_flight)
    for (_, event_type, _, _), count in ended.items():
        begun[event_type] += count
    return Progress(
        generator,
        dict(begun),
        tuple(Ended(*key, count) for key, count in ended.items()),
        _durations(taken) if with_durations else (),
    )


def _cause(row: Row) -> str:
    if row.outcome == Outcome.ACKED:
        return ""
    if row.http_status is not None:
        return str(row.http_status)
    return (row.error or "").partition(":")[0][:_LONGEST_CAUSE]


def _durations(rows: Iterable[Row]) -> tuple[Durations, ...]:
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for row in rows:
        if row.answered_at_ns is not None:
            http_us = (row.answered_at_ns - row.sent_at_ns) // _NS_PER_US
            intended_us = (row.answered_at_ns - row.intended_at_ns) // _NS_PER_US
            key = row.sent_at_ns // _NS_PER_S, row.event_type
            found.setdefault(key, []).append((http_us, intended_us))
    return tuple(
        Durations(*key, *(tuple(each) for each in zip(*pairs, strict=True)))
        for key, pairs in found.items()
    )
