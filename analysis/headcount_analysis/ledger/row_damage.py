"""Damage to a ledger's rows: they are missing, repeated, or not as they were sealed.

`headcount/ledger/file_damage.py` recognizes damaged files, such as an incomplete segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from headcount.ledger.reader import GeneratorLedger
from headcount.noun_counts import number
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.ledger.ledger_state import GeneratorState

_BITMAP_BITS = 1 << 15

_FULL = np.ones(_BITMAP_BITS, np.bool_)
"""The bitmap of a range without gaps. Nearly all ranges share it."""


@dataclass(slots=True)
class SeqRows:
    """The totals of one generator's rows; distinct ones are counted exactly, with bitmaps."""

    rows: int = 0
    min_seq: int = 0
    max_seq: int = -1
    bitmaps: dict[int, Flags] = field(default_factory=dict)

    @property
    def distinct(self) -> int:
        """The number of distinct sequence numbers."""
        return sum(int(bitmap.sum()) for bitmap in self.bitmaps.values())

    def note(self, numbers: Integers) -> None:
        """Add the sequence numbers of some rows."""
        if not self.rows:
            self.min_seq = int(numbers.min())
        self.rows += len(numbers)
        self.min_seq = min(self.min_seq, int(numbers.min()))
        self.max_seq = max(self.max_seq, int(numbers.max()))
        buckets = numbers // _BITMAP_BITS
        for bucket in np.unique(buckets):
            bitmap = self.bitmaps.setdefault(int(bucket), np.zeros(_BITMAP_BITS, np.bool_))
            bitmap[numbers[buckets == bucket] % _BITMAP_BITS] = True
            if bitmap.all():
                self.bitmaps[int(bucket)] = _FULL


def absent(
    location: str, parts: Sequence[GeneratorLedger], begun: Sequence[int] | None
) -> list[str]:
    """Report generators that made requests but have no ledger."""
    if begun is None and parts:
        return ["generators.json is missing, so it is unknown which generators made requests"]
    missing = sorted(set(begun or ()) - {part.generator for part in parts})
    return [
        f"generator {number} has made requests, but {location} has no ledger for it; restore its "
        "folder, or put --reports-dir where every generator can write to it"
        for number in missing
    ]


def ledger_state(part: GeneratorLedger, sums: SeqRows) -> GeneratorState:
    """Compare a generator's rows with what it reserved and sealed."""
    promised = part.reserved if part.seal is None else part.seal.attempted
    asked = max(promised, sums.max_seq + 1)
    sealed = part.seal is not None
    return GeneratorState(
        part.generator,
        sealed,
        asked,
        sums.rows,
        asked - sums.distinct,
        part.seal.attempted if part.seal is not None else None,
    )


def row_damage(part: GeneratorLedger, sums: SeqRows) -> list[str]:
    """List the damage that a generator's rows show."""
    damage = []
    if sums.rows > sums.distinct:
        damage.append(
            f"{number(sums.rows - sums.distinct, 'repeated row')}; remove the copied segment"
        )
    if sums.min_seq < 0 or sums.max_seq >= part.reserved:
        damage.append(
            f"rows reach number {sums.max_seq}, but {part.reserved} were reserved; restore the "
            "missing reservation"
        )
    if part.seal is not None and (sums.distinct, sums.max_seq + 1) != (part.seal.attempted,) * 2:
        damage.append(
            f"{sums.distinct} attempts have rows, but {part.seal.attempted} were sealed; restore "
            "the missing or damaged segment"
        )
    if part.seal is None:
        damage += _missing_in_between(part)
    return damage


def with_remedy(damage: str) -> str:
    """Add a remedy to a description of damage that has none."""
    return damage if ": use " in damage else f"{damage}; restore it from a copy, or run again"


def _missing_in_between(part: GeneratorLedger) -> list[str]:
    """List missing segments: without a seal, only a gap in their numbering shows them."""
    expected = [f"segment-{index:06}.parquet" for index in range(len(part.segments))]
    missing = sorted(set(expected) - set(part.segments))
    return [f"{name} is missing; restore it" for name in missing]
