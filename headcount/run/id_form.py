"""Id forms: how the ids of a run are written, so that services can pass them on unchanged.

Each form encodes the same three parts, one to one: the tag, the generator and the sequence number.
`plain` is `<tag>.<generator>.<seq>`. `uuid` is a UUID of version 8 (RFC 9562, section 5.8), with
the tag in its first 48 bits, and the generator (16 bits), the sequence number (40) and a check (18)
in the other bits that are free. `trace` is a trace-id of W3C Trace Context: tag (48 bits),
generator (16), sequence number (40) and check (24). The check is a hash of the other three, so that
an id with an altered digit is never taken for another id.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never

from headcount.run import ids
from headcount.run.ids import EventId

GENERATOR_BITS, SEQ_BITS = 16, 40
"""The sizes of generators and sequence numbers in `uuid` and `trace`."""

MIX_SHIFTS, MIX_FACTORS = (30, 27, 31), (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The finalizer of SplitMix64 (Steele, Lea, Flood 2014), which mixes 64 bits one to one."""

_WORD = (1 << 64) - 1
_BYTES = 16
_TAG_DIGITS = ids.TAG_BITS // 4


class IdForm(StrEnum):
    """How an id is written."""

    PLAIN = "plain"
    UUID = "uuid"
    TRACE = "trace"


HexForm = Literal[IdForm.UUID, IdForm.TRACE]
"""The forms in which an id is 128 bits, written as hexadecimal digits."""

CHECK_BITS: Mapping[HexForm, int] = {IdForm.UUID: 18, IdForm.TRACE: 24}
"""The size of the check, by form."""


@dataclass(frozen=True, slots=True)
class RunIds:
    """The ids of one run: writes them, and recognizes them.

    `uuid` and `trace` need a tag that `ids.new_tag` made.
    """

    tag: str
    form: IdForm = IdForm.PLAIN

    @property
    def prefix(self) -> str:
        """The text with which each id of the run begins."""
        if self.form is IdForm.PLAIN:
            return f"{self.tag}."
        digits = f"{ids.bits_of(self.tag):0{_TAG_DIGITS}x}"
        match self.form:
            case IdForm.UUID:
                return f"{digits[:8]}-{digits[8:]}-8"
            case IdForm.TRACE:
                return digits
            case _:
                assert_never(self.form)

    def text(self, generator: int, seq: int) -> str:
        """Write an id. `generator` and `seq` must fit GENERATOR_BITS and SEQ_BITS."""
        if self.form is IdForm.PLAIN:
            return f"{self.tag}.{generator}.{seq}"
        number = _number(ids.bits_of(self.tag), generator, seq, self.form)
        return _written(number, self.form)

    def parse(self, text: str) -> EventId | None:
        """Parse an id of this run; None if the text is not one.

        A UUID or a trace-id may have capitals.
        """
        if self.form is IdForm.PLAIN:
            event_id = ids.parse(text)
            return event_id if event_id is not None and event_id.tag == self.tag else None
        match = _HEX_FORMS[self.form].fullmatch(text)
        return (
            None if match is None else self._of_number(self.form, int("".join(match.groups()), 16))
        )

    def claims(self, text: str) -> bool:
        """Whether a text begins like an id of this run; it need not be a valid id."""
        if self.form is IdForm.PLAIN:
            # A prefix followed by a letter is other text, such as a host name.
            place = len(self.prefix)
            return text.startswith(self.prefix) and not text[place : place + 1].isalpha()
        start = self.prefix.removesuffix("-8")
        return text[: len(start)].lower() == start

    def found_in(self, content: bytes) -> Iterator[EventId]:
        """Yield the whole ids in any bytes.

        A plain id is whole if it is not part of a longer word or number, or if its length precedes
        it, as in Avro and Protobuf. A UUID or a trace-id, which may also be written as 16
        bytes, is whole if its check is right.
        """
        if self.form is IdForm.PLAIN:
            yield from self._plain_in(content)
            return
        as_text, as_bytes = _hex_ids(self.prefix, self.form)
        for match in as_text.finditer(content):
            event_id = self.parse(match[0].decode())
            if event_id is not None:
                yield event_id
        for match in as_bytes.finditer(content):
            event_id = self._of_number(self.form, int.from_bytes(match[0]))
            if event_id is not None:
                yield event_id

    def _plain_in(self, content: bytes) -> Iterator[EventId]:
        start = content.find(self.prefix.encode())
        whole = _plain_ids(self.tag)
        while start >= 0:
            # The pattern looks at the byte before the id, too.
            match = whole.match(content, start)
            if match is not None:
                yield EventId(self.tag, int(match[1]), int(match[2]))
            elif (event_id := self._after_length(content, start)) is not None:
                yield event_id
            start = content.find(self.prefix.encode(), start + 1)

    def _after_length(self, content: bytes, start: int) -> EventId | None:
        """Parse an id that follows its length (Protobuf) or twice its length (Avro)."""
        for length in (content[start - 1] >> 1, content[start - 1]) if start else ():
            text = content[start : start + length].decode(errors="replace")
            event_id = self.parse(text)
            if event_id is not None and len(text) == length:
                return event_id
        return None

    def occurs_in(self, content: bytes) -> bool:
        """Whether bytes may contain an id of the run; it may be part of a longer word."""
        if self.form is IdForm.PLAIN:
            return re.search(re.escape(self.prefix.encode()) + rb"\d+\.\d", content) is not None
        return self.is_in(content)

    def is_in(self, content: bytes | None) -> bool:
        """Whether any bytes contain a whole id of the run."""
        return content is not None and next(self.found_in(content), None) is not None

    def _of_number(self, form: HexForm, number: int) -> EventId | None:
        """Decode the 128 bits of an id; None if they are not exactly those of an id of the run."""
        generator, seq = _parts(number, form)
        is_own = number == _number(ids.bits_of(self.tag), generator, seq, form)
        return EventId(self.tag, generator, seq) if is_own else None


def check_of(tag: int, generator: int, seq: int) -> int:
    """Hash the parts of an id to 64 bits; the check of an id is the first bits of this hash."""
    return _mixed(_mixed(tag << GENERATOR_BITS | generator) ^ seq)


def _mixed(word: int) -> int:
    for shift, factor in zip(MIX_SHIFTS, MIX_FACTORS, strict=False):
        word = (word ^ word >> shift) * factor & _WORD
    return word ^ word >> MIX_SHIFTS[-1]


def _number(tag: int, generator: int, seq: int, form: HexForm) -> int:
    check_bits = CHECK_BITS[form]
    check = check_of(tag, generator, seq) >> 64 - check_bits
    numbers = (generator << SEQ_BITS | seq) << check_bits | check
    match form:
        case IdForm.UUID:
            # The version (8) and the variant (binary 10) are between the parts: see RFC 9562.
            return tag << 80 | 8 << 76 | numbers >> 62 << 64 | 0b10 << 62 | numbers & (1 << 62) - 1
        case IdForm.TRACE:
            return tag << 80 | numbers
        case _:
            assert_never(form)


def _parts(number: int, form: HexForm) -> tuple[int, int]:
    """Return the generator and the sequence number in the 128 bits of an id."""
    match form:
        case IdForm.UUID:
            free = (number >> 64 & 0xFFF) << 62 | number & (1 << 62) - 1
        case IdForm.TRACE:
            free = number & (1 << 80) - 1
        case _:
            assert_never(form)
    numbers = free >> CHECK_BITS[form]
    return numbers >> SEQ_BITS, numbers & (1 << SEQ_BITS) - 1


def _written(number: int, form: HexForm) -> str:
    digits = f"{number:032x}"
    match form:
        case IdForm.UUID:
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        case IdForm.TRACE:
            return digits
        case _:
            assert_never(form)


_HEX_FORMS: Mapping[HexForm, re.Pattern[str]] = {
    IdForm.UUID: re.compile("-".join(f"([0-9A-Fa-f]{{{n}}})" for n in (8, 4, 4, 4, 12))),
    IdForm.TRACE: re.compile("([0-9A-Fa-f]{32})"),
}

_AFTER_TAG: Mapping[HexForm, bytes] = {
    IdForm.UUID: rb"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    IdForm.TRACE: rb"[0-9a-f]{20}",
}


@functools.lru_cache(maxsize=8)
def _plain_ids(tag: str) -> re.Pattern[bytes]:
    return ids.whole_id(tag)


@functools.lru_cache(maxsize=8)
def _hex_ids(prefix: str, form: HexForm) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the patterns of a run's ids as text, and as bytes."""
    begin = re.escape(prefix.removesuffix("-8").encode())
    text = re.compile(begin + _AFTER_TAG[form], re.IGNORECASE)
    tag = bytes.fromhex(prefix.removesuffix("-8").replace("-", ""))
    return text, re.compile(re.escape(tag) + rb"[\x00-\xff]{%d}" % (_BYTES - len(tag)), re.DOTALL)
