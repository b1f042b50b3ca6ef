"""Writes the ids of one generator: the same texts as `RunIds.text`, in a fraction of the time."""

from collections.abc import Callable
from typing import assert_never

from headcount.run import ids
from headcount.run.id_form import (
    CHECK_BITS,
    GENERATOR_BITS,
    MIX_FACTORS,
    MIX_SHIFTS,
    IdForm,
    RunIds,
)

_WORD = (1 << 64) - 1
_LAST_DIGITS = 16
"""The number of digits at the end of an id that hold the sequence number and the check."""


def id_writer(run_ids: RunIds, generator: int) -> Callable[[int], str]:
    """Return the function that writes a generator's id, from its sequence number."""
    first = run_ids.text(generator, 0)
    form = run_ids.form
    if form is IdForm.PLAIN:
        prefix = first[:-1]
        return lambda seq: prefix + str(seq)
    digits = first.replace("-", "")[-_LAST_DIGITS:]
    tag_and_generator = ids.bits_of(run_ids.tag) << GENERATOR_BITS | generator
    last = _last_digits(tag_and_generator, CHECK_BITS[form], digits)
    match form:
        case IdForm.UUID:
            return _uuid_writer(first[: -_LAST_DIGITS - 1], last)
        case IdForm.TRACE:
            head = first[:-_LAST_DIGITS]
            return lambda seq: head + last(seq)
        case _:
            assert_never(form)


def _uuid_writer(head: str, last: Callable[[int], str]) -> Callable[[int], str]:
    def uuid(seq: int) -> str:
        text = last(seq)
        return f"{head}{text[:4]}-{text[4:]}"

    return uuid


def _last_digits(generator: int, check_bits: int, first: str) -> Callable[[int], str]:
    """Return the function that writes an id's last digits; `first` are those of `seq` 0."""
    start = int(first, 16) >> check_bits << check_bits
    dropped = 64 - check_bits
    base = _mixed(generator)

    def digits(seq: int) -> str:
        return f"{start | seq << check_bits | _mixed(base ^ seq) >> dropped:016x}"

    return digits


def _mixed(word: int) -> int:
    """Hash 64 bits as `headcount.run.id_form` does."""
    first, second, third = MIX_SHIFTS
    factor, other_factor = MIX_FACTORS
    word = (word ^ word >> first) * factor & _WORD
    word = (word ^ word >> second) * other_factor & _WORD
    return word ^ word >> third
