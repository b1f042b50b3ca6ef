"""Records: messages with their keys, headers and positions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """A message and its position."""

    topic: str
    partition: int
    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
