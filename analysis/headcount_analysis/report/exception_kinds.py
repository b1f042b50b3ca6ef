"""Kinds of exceptions: a class with its flags, such as `delivered + corrupted`, worst first.

Pure.
"""

from collections.abc import Iterable

import pandas as pd

from headcount_analysis.classes_and_flags import UNCLASSED, UNEXCEPTIONAL

WORST_FIRST = (
    *("lost", "corrupted", "duplicated", "ghost", "phantom", UNCLASSED),
    *("reordered", "misplaced", "late", "absent", "recovered"),
)
"""The classes and flags of exceptions, by how bad they are."""

_AND = " + "


def kind_of(fate: str | None, flags: str) -> str:
    """Return the kind of a class and its flags, which are separated by spaces."""
    return _AND.join([fate or UNCLASSED, *flags.split()])


def kinds_of(rows: pd.DataFrame) -> "pd.Series[str]":
    """Return the kind of each row of exceptions.csv."""
    named = rows["class"].fillna(UNCLASSED) + " " + rows["flags"]
    return named.str.strip().str.replace(" ", _AND)


def names_of(kind: str) -> list[str]:
    """Return the class and flags of a kind, worst first; the class only if it is a fault."""
    names = worst_first(kind.split(_AND))
    return [name for name in names if name not in UNEXCEPTIONAL]


def worst_first(names: Iterable[str]) -> list[str]:
    """Sort classes and flags, the worst first."""
    return sorted(names, key=_rank)


def kinds_worst_first(kinds: Iterable[str]) -> list[str]:
    """Sort kinds by the worst of their classes and flags, then by the next."""
    return sorted(kinds, key=lambda kind: [*map(_rank, names_of(kind))])


def _rank(name: str) -> int:
    return WORST_FIRST.index(name) if name in WORST_FIRST else len(WORST_FIRST)
