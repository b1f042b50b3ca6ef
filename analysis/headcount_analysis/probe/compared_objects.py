"""Compared objects: which object of a message has the fields of the request's event."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headcount.json_pointer import pointer_of
from headcount_analysis.messages.found_place import values_in
from headcount_analysis.messages.json_message import Object, ParsedMessage, parse
from headcount_analysis.probe.probe_request import ProbeRequest, match_fields

Pair = tuple[ProbeRequest, ParsedMessage]
"""A request, and the message that it caused."""

_MOST_PAIRS = 50


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """How the events of a topic's messages match the requests.

    `equal` are the fields that are equal in every message; `differing` has a phrase for every other
    field, such as `quantity: asked for 3, found "3"`.
    """

    equal: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()


def best_pointer(pairs: Sequence[Pair]) -> str:
    """Return the pointer to the object with the most equal fields; empty for the default one."""
    scores: Counter[str] = Counter()
    for request, message in pairs[:_MOST_PAIRS]:
        if message.event is not None:
            scores[""] += len(match_fields(request, message.event).equal)
        for pointer, candidate in objects_in(message.whole or {}):
            scores[pointer] += len(match_fields(request, candidate).equal)
    # Of equal scores, `max` takes the first: the format's default object, then the outermost.
    return max(("", *scores), key=lambda pointer: scores[pointer])


def content_of(pairs: Sequence[Pair]) -> FieldComparison:
    """Compare the messages' events with the requests, field by field."""
    matches = [
        match_fields(request, message.event)
        for request, message in pairs[:_MOST_PAIRS]
        if message.event is not None
    ]
    differing: dict[str, str] = {}
    for match in matches:
        for difference in match.differences:
            differing.setdefault(difference.field, str(difference))
    unequal = {name for match in matches for name in match.unequal}
    equal = dict.fromkeys(name for match in matches for name in match.equal)
    return FieldComparison(
        tuple(name for name in equal if name not in unequal), tuple(differing.values())
    )


def objects_in(root: Object) -> Iterator[tuple[str, Object]]:
    """Yield the objects within a message, even inside strings, and their JSON pointers."""
    for path, value in values_in(root):
        if path and isinstance(value, Mapping):
            yield pointer_of(path), value
        elif path and isinstance(value, str) and value.lstrip()[:1] == "{":
            inner = parse(value.encode(errors="replace")).event
            if inner is not None:
                yield pointer_of(path), inner
