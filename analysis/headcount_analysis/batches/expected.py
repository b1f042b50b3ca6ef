"""Expected messages: what messages of a run should look like, from its manifest and its ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headcount.ledger.event_digest import names_of
from headcount.run.id_form import RunIds
from headcount.run.id_location import IdLocation
from headcount.run.ids import HEADER
from headcount.run.manifest import Manifest
from headcount_analysis.formats.json_format import JsonFormat
from headcount_analysis.formats.message_format import FormatOptions, MessageFormat, reads_headers
from headcount_analysis.id_places.catalogue import place_of
from headcount_analysis.id_places.id_place import IdPlace
from headcount_analysis.ledger.asked_shapes import AskedShapes

MAX_SHAPES = 256
"""If the ledger has more shapes than this, a message is tried only with its own, not with all."""


def plain_json() -> MessageFormat:
    """Return the format of messages that are compared whole, and are in JSON."""
    return JsonFormat(FormatOptions())


@dataclass(frozen=True, slots=True)
class Expected:
    """What messages of the run should look like: their ids, their format and their content.

    `asked` is the number of sequence numbers, from 0, that each generator may have used. `shapes`
    lists the shapes to compare; if there are too many, `asked_shapes` has the one of each attempt.
    """

    ids: RunIds
    location: IdLocation
    asked: Mapping[int, int]
    shapes: Sequence[str]
    asked_shapes: AskedShapes | None = None
    id_header: str = HEADER
    message_format: MessageFormat = field(default_factory=plain_json)

    @property
    def names_compared(self) -> frozenset[str]:
        """The fields of events that are compared, whole or in parts."""
        if self.asked_shapes is not None:
            return self.asked_shapes.names
        return frozenset(name for shape in self.shapes for name in names_of(shape))

    @property
    def place(self) -> IdPlace:
        """The place of ids. UsageError if no package provides it."""
        return place_of(self.location, self.id_header)


def needs_headers(manifest: Manifest, message_format: MessageFormat) -> bool:
    """Whether the headers of a run's records must be read."""
    place = place_of(manifest.id_location, manifest.id_header)
    return reads_headers(message_format) or place.needs_headers
