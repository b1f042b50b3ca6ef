"""Partition summaries: which messages of a partition were read, and which of those are unusable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect in messages of a partition, their number, and the offset of the first one."""

    name: str
    count: int
    first_offset: int


@dataclass(frozen=True, slots=True)
class PartitionRead:
    """What was read from one partition; offsets `start` to `end` - 1 were requested.

    `first` and `last` are the offsets of the first and last message read, None if there was none.
    The samples are the lowest offsets. `tail_is_empty` is set if a consumer reached the end without
    a message after `last`.
    """

    partition: int
    start: int
    end: int
    read: int = 0
    first: int | None = None
    last: int | None = None
    malformed: int = 0
    foreign: int = 0
    malformed_samples: tuple[int, ...] = ()
    foreign_samples: tuple[int, ...] = ()
    defects: tuple[Defect, ...] = ()
    tail_is_empty: bool = False

    @property
    def gaps(self) -> int:
        """The number of offsets in the range without a message."""
        return (self.end - self.start) - self.read

    @property
    def reached_end(self) -> bool:
        """Whether the last offset of the range was read."""
        reached = self.start if self.last is None else self.last + 1
        return reached >= self.end or self.tail_is_empty
