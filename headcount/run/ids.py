"""Ids: `<tag>.<generator>.<seq>`, the name of one attempt in one run.

Each start of a run gets a new tag: another run, here or on another host, may have the same run id
and share the topic. A tag carries 48 random bits, so no text contains it by chance. The generator
is the index of the process that makes the requests. Sequence numbers are dense from 0 within a
generator, so that a gap is visible. Each id has exactly one spelling: `parse` accepts only what
`str` writes. A manifest without a tag uses the run id as its tag: like every tag, it is safe in a
path and has no dot.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from headcount.errors import UsageError

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
    """The id of one attempt."""

    tag: str
    generator: int
    seq: int

    def __str__(self) -> str:
        """Format the id as the header and the event carry it."""
        return f"{self.tag}.{self.generator}.{self.seq}"


def is_run_id(text: str) -> bool:
    """Return whether the text is a valid run id."""
    return _RUN_ID.fullmatch(text) is not None


def run_id_of(option: str) -> str:
    """Return the run id that --run-id names, a new one if empty. UsageError if it is invalid."""
    run_id = option or new_run_id()
    if not is_run_id(run_id):
        raise UsageError(
            f"--run-id must be at most 40 lowercase letters, digits and hyphens, got {run_id!r}"
        )
    return run_id


def new_run_id(now: datetime | None = None) -> str:
    """Make a run id that sorts by start time, such as `20261123-221530-k7qz` (UTC)."""
    moment = now or datetime.now(UTC)
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(4))
    return f"{moment:%Y%m%d-%H%M%S}-{suffix}"


def new_tag() -> str:
    """Make the tag of a run that starts now."""
    return tag_of(secrets.randbits(TAG_BITS))


def tag_of(bits: int) -> str:
    """Encode 48 bits as a tag, one to one; the first character is a digit."""
    shifts = range(5 * (TAG_LENGTH - 1), -1, -5)
    return "".join(_TAG_ALPHABET[bits >> shift & 31] for shift in shifts)


def bits_of(tag: str) -> int:
    """Decode a tag. ValueError if `tag_of` did not write it."""
    bits = 0
    for letter in tag:
        bits = bits << 5 | _TAG_ALPHABET.index(letter)
    if tag_of(bits) != tag:
        raise ValueError(f"{tag!r} is not the tag of a run")
    return bits


def whole_id(tag: str) -> re.Pattern[bytes]:
    """Return the pattern of a run's whole id in any text, not part of a longer word or number.

    Its two groups are the generator and the sequence number.
    """
    return re.compile(
        rb"(?<![A-Za-z0-9.-])%b\.(%b)\.(%b)(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
        % (re.escape(tag.encode()), NUMBER_PATTERN.encode(), NUMBER_PATTERN.encode())
    )


def parse(text: str) -> EventId | None:
    """Parse an id; None if the text is not the exact spelling of one."""
    match = _EVENT_ID.fullmatch(text)
    if match is None:
        return None
    tag, generator, seq = match.groups()
    return EventId(tag, int(generator), int(seq))
