"""The requested event: what of `event=` is compared, where the request's id stands in it."""

from collections.abc import Mapping

from headcount.ledger.digest import HASHED, Description, describe
from headcount.plugin.event_id import MARK, holds_id, with_id
from headcount.run.id_location import LocationKind, check_without_id, id_names
from headcount.run.id_settings import IdSettings


class RequestedEvents:
    """Prepares the events of a run's requests for the comparison."""

    def __init__(self, id_settings: IdSettings) -> None:
        self._id_settings = id_settings
        location = id_settings.location
        self._id_field = location.name if location.kind is LocationKind.FIELD else ""

    def without_id_field(self, event: Mapping[str, object]) -> Mapping[str, object]:
        """Leave out the field that holds the id, which is searched for, not compared.

        ValueError if the event requests anything but the id for it.
        """
        if not self._id_field:
            return event
        names = id_names(tuple(event), self._id_field, self._id_settings.header)
        if not names:
            return event
        others = {name: value for name, value in event.items() if not _is_id(value)}
        check_without_id(others, self._id_settings.location, self._id_settings.header)
        return {name: value for name, value in event.items() if name not in names}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value == MARK


def has_id(event: Mapping[str, object], description: Description) -> bool:
    """Whether the id stands in an event, so that it can be described only with the id.

    ValueError if it stands in a field's name.
    """
    asked = description.asked
    if MARK not in asked and not (asked[:1] == HASHED and holds_id(event)):
        return False
    if MARK in description.shape:
        raise ValueError("EVENT_ID stands in the name of a field, and can only be in a value")
    return True


def describe_with_id(event: Mapping[str, object], event_id: str) -> Description:
    """Describe an event in which the id stands."""
    return describe(with_id(event, event_id))
