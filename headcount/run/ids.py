"""Identities: `<tag>.<generator>.<seq>`, the name of one attempt in one run.

The tag is made anew for each start of a run: its id may have been given before, here or on another
host, and their events may share a topic. It carries 48 random bits, so no text holds it by chance.
The generator is the index of the process that makes the requests. The sequence number is dense from
0 within the generator, so that a hole is visible. Each identity has exactly one spelling: `parse`
takes nothing that `str` would not write. The tag of runs made before there were tags is their run
id, which is safe in a path and has no dot, as every tag is.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

RUN_ID_PATTERN = r"[a-z0-9][a-z0-9-]{0,39}"
NUMBER_PATTERN = r"0|[1-9][0-9]{0,17}"
HEADER = "X-Event-Id"
TAG_BITS = 48
TAG_LENGTH = 10

_RUN_ID = re.compile(RUN_ID_PATTERN, re.ASCII)
_EVENT_ID = re.compile(rf"({RUN_ID_PATTERN})\.({NUMBER_PATTERN})\.({NUMBER_PATTERN})", re.ASCII)
_SUFFIX_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0, 1, i, l or o to misread
_TAG_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, which sorts by value


@dataclass(frozen=True, slots=True)
class EventId:
    """The identity of one attempt."""

    tag: str
    generator: int
    seq: int

    def __str__(self) -> str:
        """Write the identity as it travels in the header and in the event."""
        return f"{self.tag}.{self.generator}.{self.seq}"


def is_run_id(text: str) -> bool:
    """Tell whether the text may name a run."""
    return _RUN_ID.fullmatch(text) is not None


def new_run_id(now: datetime | None = None) -> str:
    """Make a run id that sorts by start time, such as `20261123-221530-k7qz` (UTC)."""
    moment = now or datetime.now(UTC)
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(4))
    return f"{moment:%Y%m%d-%H%M%S}-{suffix}"


def new_tag() -> str:
    """Make the tag of a run that starts now."""
    return tag_of(secrets.randbits(TAG_BITS))


def tag_of(bits: int) -> str:
    """Spell a tag's 48 bits, one to one; the first character is a digit."""
    shifts = range(5 * (TAG_LENGTH - 1), -1, -5)
    return "".join(_TAG_ALPHABET[bits >> shift & 31] for shift in shifts)


def whole_id(tag: str) -> re.Pattern[bytes]:
    """Give the pattern of a whole id of a run in any text: no part of a longer word or number.

    Its two groups are the generator and the sequence number.
    """
    return re.compile(
        rb"(?<![A-Za-z0-9.-])%b\.(%b)\.(%b)(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
        % (re.escape(tag.encode()), NUMBER_PATTERN.encode(), NUMBER_PATTERN.encode())
    )


def parse(text: str) -> EventId | None:
    """Read an identity, or None where the text is not the one spelling of one."""
    match = _EVENT_ID.fullmatch(text)
    if match is None:
        return None
    tag, generator, seq = match.groups()
    return EventId(tag, int(generator), int(seq))
