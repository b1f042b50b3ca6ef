"""The message writer: writes events as the service under test does, with the id in its place."""

from dataclasses import dataclass, field
from typing import NamedTuple

from headcount.errors import UsageError
from headcount.run.id_form import RunIds
from headcount.run.id_location import TRACEPARENT, IdLocation, LocationKind
from headcount.run.id_settings import IdSettings
from headcount.run.message_format import FormatSettings
from headcount_analysis.messages.record import Headers
from headcount_analysis.selftest.alterations import Alteration, EventFields, with_repeated_key
from headcount_analysis.selftest.encoders.catalogue import FRAMED, encoder_of
from headcount_analysis.selftest.encoders.encoder import NOISE, Document, Encoder, placed

_MARK = "HEADCOUNT-ID"
"""Stands for the id in messages that differ in nothing else."""

_EVERY_FIELD: EventFields = {
    "event_type": "text",
    "player_id": "text",
    "metal": "text",
    "quantity": 1,
    "guild": "text",
}


class MessageContent(NamedTuple):
    """The content of a message."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class MessageStyle:
    """How the service writes messages: its ids, and its format."""

    ids: IdSettings = field(default_factory=IdSettings)
    format: FormatSettings = field(default_factory=FormatSettings)


@dataclass(slots=True)
class MessageWriter:
    """Writes messages in a style. `ids` are those of the run."""

    style: MessageStyle
    ids: RunIds
    encoder: Encoder = field(init=False)
    _templates: dict[tuple[object, ...], MessageContent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the encoder. UsageError or PartError, see `encoder_of`."""
        kind = self.location.kind
        if not isinstance(kind, LocationKind):
            raise UsageError(
                f"--id-at {self.location}: the self-test supports only Headcount's own places"
            )
        self.encoder = encoder_of(
            self.style.format,
            kind,
            lambda encoder: self._document(encoder, _EVERY_FIELD, _MARK, 0),
        )

    @property
    def location(self) -> IdLocation:
        """Where messages carry ids."""
        return self.style.ids.location

    def own(
        self, fields: EventFields, event_id: str, key: bytes | None, number: int
    ) -> MessageContent:
        """Write a request's event; `number` is different for each message."""
        variant = number % self.encoder.variants
        if not self.encoder.is_text:
            return self._written(fields, event_id, key, number)
        name = (id(fields), variant)
        template = self._templates.get(name)
        if template is None:
            template = self._templates[name] = self._marked(fields, _MARK, key, variant)
        return _filled(template, event_id, number)

    def altered(
        self,
        alteration: Alteration,
        fields: EventFields,
        event_id: str,
        key: bytes | None,
        number: int,
    ) -> MessageContent:
        """Write a request's event as it is after an alteration."""
        content = self._written(alteration.change(fields), event_id, key, number)
        if not alteration.repeats:
            return content
        return content._replace(value=with_repeated_key(content.value or b""))

    def other(
        self, fields: EventFields, value: object, key: bytes | None, number: int
    ) -> MessageContent:
        """Write an event with any value, or None, where the id should be."""
        return self._written(fields, value, key, number)

    def broken(self, content: MessageContent, form: int) -> MessageContent:
        """Make a message unreadable, in the way that `form` chooses."""
        breaks = self.encoder.breaks
        return content._replace(value=breaks[form % len(breaks)](content.value or b""))

    def twice(self, content: MessageContent, event_id: str, other: str) -> MessageContent | None:
        """Add another id to a message; None if its place allows only one."""
        location = self.location
        if location.is_in_headers:
            name = self._header_name
            text = self._header_text(other)
            return content._replace(headers=(*content.headers, (name.upper(), text)))
        if not location.is_in_value or not self.encoder.is_text or content.value is None:
            return None
        for quote in ('"', '\\"'):
            before = f"{quote}{self._field_name}{quote}:{quote}{event_id}{quote}".encode()
            after = before.replace(event_id.encode(), other.encode())
            if before in content.value:
                return content._replace(value=content.value.replace(before, before + b"," + after))
        return None

    def _written(
        self, fields: EventFields, value: object, key: bytes | None, number: int
    ) -> MessageContent:
        variant = number % self.encoder.variants
        return _filled(self._marked(fields, value, key, variant), "", number)

    def _marked(
        self, fields: EventFields, value: object, key: bytes | None, variant: int
    ) -> MessageContent:
        document = self._document(self.encoder, fields, value, variant)
        encoded, headers = self.encoder.encoded(document, variant)
        if value is not None and self.location.kind is LocationKind.KEY:
            key = str(value).encode()
        elif value is not None and self.location.is_in_headers:
            headers = (*headers, (self._header_name, self._header_text(value)))
        return MessageContent(key, encoded, headers)

    def _document(
        self, encoder: Encoder, fields: EventFields, value: object, variant: int
    ) -> Document:
        named = value is not None
        if self.style.format.name == "protobuf" and named:
            value = str(value)
        if named and self.location.kind is LocationKind.FIELD:
            fields = {self._field_name: value, **fields}
        document = encoder.document(fields, variant)
        if named and self.location.kind is LocationKind.JSON:
            return placed(document, self.location.path, value)
        return document

    @property
    def _field_name(self) -> str:
        """The name of the field that holds the id, as the format can write it."""
        name = self.location.path[-1] if self.location.path else self.location.name
        return name.replace("-", "_").lower() if self.style.format.name in FRAMED[:2] else name

    @property
    def _header_name(self) -> str:
        is_trace = self.location.kind is LocationKind.TRACEPARENT
        return TRACEPARENT if is_trace else self.location.name

    def _header_text(self, value: object) -> bytes:
        is_trace = self.location.kind is LocationKind.TRACEPARENT
        return f"00-{value}-00f067aa0ba902b7-01".encode() if is_trace else str(value).encode()


def _filled(content: MessageContent, event_id: str, number: int) -> MessageContent:
    """Put an id and noise into a message."""
    pairs = ((_MARK.encode(), event_id.encode()), (NOISE.encode(), f"{number:015}".encode()))
    key, value, headers = content
    for mark, text in pairs:
        value = None if value is None else value.replace(mark, text)
        key = None if key is None else key.replace(mark, text)
        if headers:
            headers = tuple((name, (part or b"").replace(mark, text)) for name, part in headers)
    return MessageContent(key, value, headers)
