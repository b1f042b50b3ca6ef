"""The requested event: the part of `event=` that is compared, and where it contains the id."""

import functools
from collections.abc import Callable, Mapping

from headcount.ledger.event_digest import HASHED, names_of
from headcount.plugin.event_id import MARK, SIGN, any_has_mark
from headcount.run.id_location import LocationKind, check_without_id, id_names
from headcount.run.id_settings import IdSettings

# A search for SIGN finds every event that may contain EVENT_ID: a short one is searched itself, and
# of a long one, only hashes are kept, after the same sign.
assert HASHED == SIGN, "the sign of hashes must be the first character of EVENT_ID"


def has_id_field(id_settings: IdSettings) -> Callable[[str], bool]:
    """Return a function that tells whether events of a shape have the id's field."""
    location = id_settings.location
    if location.kind is not LocationKind.FIELD:
        return lambda _shape: False

    # A shape is a string, which caches its hash, so looking it up is faster than checking the
    # names.
    @functools.lru_cache(maxsize=4096)
    def has_field(shape: str) -> bool:
        return bool(id_names(names_of(shape), location.name, id_settings.header))

    return has_field


def without_id_field(event: Mapping[str, object], id_settings: IdSettings) -> Mapping[str, object]:
    """Leave out the field that holds the id, which is searched for, not compared.

    ValueError if the event has any value but EVENT_ID in that field.
    """
    location, header = id_settings.location, id_settings.header
    others = {name: value for name, value in event.items() if not _is_id(value)}
    check_without_id(others, location, header)
    names = id_names(tuple(event), location.name, header)
    return {name: value for name, value in event.items() if name not in names}


def is_marked(event: Mapping[str, object], shape: str) -> bool:
    """Whether an event contains EVENT_ID, and so can be described only once the id is known.

    ValueError if the name of a field contains EVENT_ID.
    """
    if MARK in shape:
        raise ValueError("EVENT_ID is in the name of a field, but is allowed only in a value")
    return any_has_mark(event.values())


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value == MARK
