"""Fits: the options with which a run would read the messages of a topic, and how well they fit.

Every candidate is tried with the parts that a run uses: the format decodes the messages, and the id
place reads the ids.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headcount.errors import UsageError
from headcount.json_pointer import pointer_of
from headcount.run.id_form import IdForm
from headcount.run.id_location import IdLocation, LocationKind, default_header
from headcount.run.id_settings import IdSettings, parse_id_settings
from headcount.run.message_format import RAW, FormatSettings
from headcount.run.probe_ids import HeaderIds
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.id_places.catalogue import place_of
from headcount_analysis.id_places.id_place import seen_at
from headcount_analysis.messages.found_place import places_beside_value, texts_in
from headcount_analysis.messages.json_message import ParsedMessage, parse
from headcount_analysis.messages.record import Record
from headcount_analysis.probe.candidate_formats import NEED_REGISTRY, candidate_formats
from headcount_analysis.probe.compared_objects import (
    FieldComparison,
    Pair,
    best_pointer,
    content_of,
)
from headcount_analysis.probe.probe_request import ProbeRequest, seqs_in

Decoded = Sequence[tuple[Record, ParsedMessage]]

_KINDS = (
    *(LocationKind.FIELD, LocationKind.HEADER, LocationKind.TRACEPARENT),
    *(LocationKind.KEY, LocationKind.JSON),
)
"""The kinds of locations, the preferred first."""


@dataclass(frozen=True, slots=True)
class FormatMaker:
    """Makes the formats that may be tried, or only the one that is `wanted`.

    `registry` is a schema registry's URL, or empty.
    """

    make: Callable[[FormatSettings], MessageFormat]
    names: frozenset[str]
    registry: str = ""
    wanted: str = ""

    def settings(self, name: str, compare_at: str = "") -> FormatSettings:
        """Return the settings of a format."""
        return FormatSettings(name, compare_at, self.registry if name in NEED_REGISTRY else "")


@dataclass(frozen=True, slots=True)
class OptionsFit:
    """The options that fit a topic, and what they read there.

    `messages` has the records whose ids were read, by the sequence number of the request.
    `is_first_header` is whether these ids were sent in the probe's first request header: the one
    that a run with the probe's settings would use. `defects` say what is wrong with messages that
    the format cannot decode or, if it is `raw`, that are not JSON.
    """

    topic: str
    ids: IdSettings
    message_format: FormatSettings
    messages: Mapping[int, tuple[Record, ...]]
    content: FieldComparison = field(default_factory=FieldComparison)
    defects: tuple[str, ...] = ()
    is_first_header: bool = True

    @property
    def options(self) -> Iterator[tuple[str, str]]:
        """The options that a run needs, without those that have their default."""
        yield "--topic", self.topic
        if self.ids.form is not IdForm.PLAIN:
            yield "--id-form", str(self.ids.form)
        if self.ids.header != default_header(self.ids.form):
            yield "--id-header", self.ids.header
        if self.ids != parse_id_settings(self.ids.form, self.ids.header, ""):
            yield "--id-at", str(self.ids.location)
        if self.message_format.name != FormatSettings().name:
            yield "--format", self.message_format.name
        if self.message_format.compare_at:
            yield "--compare-at", self.message_format.compare_at
        if self.message_format.schema_registry:
            yield "--schema-registry", self.message_format.schema_registry


def fit_of(
    topic: str,
    records: Sequence[Record],
    requests: Mapping[int, ProbeRequest],
    header_ids: tuple[HeaderIds, ...],
    formats: FormatMaker,
) -> OptionsFit | None:
    """Return the options that read the most ids in the records of a topic; None if none does."""
    name = _format_name(records, formats)
    decoded = _decoded(records, formats, formats.settings(name))
    pointer = best_pointer(_pairs(decoded, requests, header_ids)) if name != RAW else ""
    settings = formats.settings(name, pointer)
    if pointer:
        decoded = _decoded(records, formats, settings)
    best = max(
        (
            _read(topic, decoded, ids, probed)
            for probed in header_ids
            for ids in _places(probed, decoded)
        ),
        key=lambda fit: len(fit.messages),
        default=None,
    )
    if best is None or not best.messages:
        return None
    content = content_of(_pairs(decoded, requests, header_ids) if name != RAW else [])
    tried = [parsed for _, parsed in decoded] if name != RAW else [parse(r.value) for r in records]
    defects = tuple(dict.fromkeys(parsed.defect for parsed in tried if parsed.defect))
    return replace(
        best,
        message_format=settings,
        content=content,
        defects=defects,
        is_first_header=best.ids.header == header_ids[0].header,
    )


def _format_name(records: Sequence[Record], formats: FormatMaker) -> str:
    """Return the format that decodes the most records; `raw` only if none decodes half of them."""
    if formats.wanted:
        return formats.wanted
    best, fewest = RAW, len(records) // 2 + 1
    for name in candidate_formats(records, has_registry=bool(formats.registry)):
        if name == RAW or name not in formats.names:
            continue
        decoded = _decoded(records, formats, formats.settings(name))
        defects = sum(parsed.event is None for _, parsed in decoded)
        if defects < fewest:
            best, fewest = name, defects
    return best


def _decoded(records: Iterable[Record], formats: FormatMaker, settings: FormatSettings) -> Decoded:
    message_format = formats.make(settings)
    return [(record, message_format.decode(record)) for record in records]


def _pairs(
    decoded: Decoded, requests: Mapping[int, ProbeRequest], header_ids: tuple[HeaderIds, ...]
) -> list[Pair]:
    """Pair each message that mentions exactly one request with that request."""
    mentioned = ((seqs_in(header_ids, record), parsed) for record, parsed in decoded)
    return [
        (requests[seqs[0]], parsed)
        for seqs, parsed in mentioned
        if len(seqs) == 1 and seqs[0] in requests
    ]


def _places(header: HeaderIds, decoded: Decoded) -> list[IdSettings]:
    """Return where to read the ids of a header: where no option is needed, then where seen."""
    form, usual = header.ids.form, parse_id_settings(header.ids.form, header.header, "")
    locations: dict[IdLocation, None] = {}
    for record, parsed in decoded:
        locations.update(dict.fromkeys(_locations(header, record, parsed)))
    ordered = sorted(locations, key=lambda location: _KINDS.index(location.kind))
    others = (IdSettings(form, header.header, location) for location in ordered)
    return list(dict.fromkeys((usual, *others)))


def _locations(header: HeaderIds, record: Record, parsed: ParsedMessage) -> Iterator[IdLocation]:
    """Yield the locations of a header's ids in one message."""
    ids = header.ids
    for name, value in (parsed.event or {}).items():
        if isinstance(value, str) and ids.parse(value):
            yield IdLocation(LocationKind.FIELD, name)
    for path, text in texts_in(parsed.whole or {}):
        if ids.parse(text):
            yield IdLocation(LocationKind.JSON, pointer_of(path))
    for place in places_beside_value(ids, record):
        if place.location is not None:
            yield place.location


def _read(topic: str, decoded: Decoded, settings: IdSettings, header: HeaderIds) -> OptionsFit:
    """Read ids as a run with these settings does."""
    messages: dict[int, tuple[Record, ...]] = {}
    try:
        parse_id_settings(settings.form, settings.header, str(settings.location))
    except UsageError:
        return OptionsFit(topic, settings, FormatSettings(), {})
    place = place_of(settings.location, settings.header)
    for record, parsed in decoded:
        text = seen_at(place, parsed, record).text
        event_id = None if text is None else header.ids.parse(text)
        if event_id is not None:
            messages[event_id.seq] = (*messages.get(event_id.seq, ()), record)
    return OptionsFit(topic, settings, FormatSettings(), messages)
