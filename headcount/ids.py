"""Identities: `<run-id>.<generator>.<seq>`, the name of one attempt in one run.

The run id is safe in a path and has no dot. The generator is the index of the process that makes
the requests. The sequence number is dense from 0 within the generator, so that a hole is visible.
Each identity has exactly one spelling: `parse` takes nothing that `str` would not write.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

RUN_ID_PATTERN = r"[a-z0-9][a-z0-9-]{0,39}"
NUMBER_PATTERN = r"0|[1-9][0-9]{0,17}"
HEADER = "X-Event-Id"

_RUN_ID = re.compile(RUN_ID_PATTERN, re.ASCII)
_EVENT_ID = re.compile(rf"({RUN_ID_PATTERN})\.({NUMBER_PATTERN})\.({NUMBER_PATTERN})", re.ASCII)
_SUFFIX_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0, 1, i, l or o to misread


@dataclass(frozen=True, slots=True)
class EventId:
    """The identity of one attempt."""

    run_id: str
    generator: int
    seq: int

    def __str__(self) -> str:
        """Write the identity as it travels in the header and in the event."""
        return f"{self.run_id}.{self.generator}.{self.seq}"


def is_run_id(text: str) -> bool:
    """Tell whether the text may name a run."""
    return _RUN_ID.fullmatch(text) is not None


def new_run_id(now: datetime | None = None) -> str:
    """Make a run id that sorts by start time, such as `20261123-221530-k7qz` (UTC)."""
    moment = now or datetime.now(UTC)
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(4))
    return f"{moment:%Y%m%d-%H%M%S}-{suffix}"


def parse(text: str) -> EventId | None:
    """Read an identity, or None where the text is not the one spelling of one."""
    match = _EVENT_ID.fullmatch(text)
    if match is None:
        return None
    run_id, generator, seq = match.groups()
    return EventId(run_id, int(generator), int(seq))
