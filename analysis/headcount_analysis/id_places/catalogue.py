"""The catalogue of id places: the built-in ones, and those of a user's own packages."""

from importlib.metadata import entry_points

from headcount.errors import UsageError
from headcount.run.id_location import PLACES_GROUP, IdLocation, LocationKind
from headcount_analysis.id_places.field_place import FieldPlace
from headcount_analysis.id_places.header_place import HeaderPlace
from headcount_analysis.id_places.id_place import IdPlace
from headcount_analysis.id_places.key_place import KeyPlace
from headcount_analysis.id_places.pointer_place import PointerPlace
from headcount_analysis.id_places.traceparent_place import TraceparentPlace


def place_of(location: IdLocation, id_header: str) -> IdPlace:
    """Make the place of a location. UsageError if no package provides it."""
    match location.kind:
        case LocationKind.FIELD:
            return FieldPlace(location.name, id_header)
        case LocationKind.JSON:
            return PointerPlace(location, id_header)
        case LocationKind.HEADER:
            return HeaderPlace(location.name)
        case LocationKind.KEY:
            return KeyPlace()
        case LocationKind.TRACEPARENT:
            return TraceparentPlace()
    return _own_place(location)


def _own_place(location: IdLocation) -> IdPlace:
    for entry in entry_points(group=PLACES_GROUP, name=str(location.kind)):
        place: IdPlace = entry.load()(location.name)
        return place
    raise UsageError(f"--id-at {location}: no installed package provides {str(location.kind)!r}")
