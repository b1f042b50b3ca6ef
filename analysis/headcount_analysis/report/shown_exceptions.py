"""The exceptions that the page shows: all of a kind, or an even selection of them. Pure."""

from collections import Counter
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field

import pandas as pd

from headcount_analysis.report.exception_kinds import kinds_of, names_of, worst_first

SHOWN_OF_A_KIND = 150
"""The maximum number of each kind on the page; exceptions.csv has all of them."""

SHOWN = 1_200
"""The maximum number on the page, unless each kind would have fewer than _ENOUGH."""

_ENOUGH = 20


@dataclass(frozen=True, slots=True)
class Exceptions:
    """The count of each kind, worst first, and the rows for the page, as text.

    A kind is a class with its flags, such as `delivered + corrupted`. The rows have the columns of
    exceptions.csv (`exceptions_csv.COLUMNS`).
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    shown: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def count(self) -> int:
        """The number of exceptions of all kinds."""
        return sum(self.counts.values())

    @property
    def most(self) -> int:
        """The maximum number of each kind among the rows for the page."""
        return _most(self.counts)

    @property
    def by_name(self) -> Mapping[str, int]:
        """The number of exceptions of each class and with each flag that occurs, worst first."""
        counts = Counter[str]()
        for name, count in self.counts.items():
            counts.update(dict.fromkeys(names_of(name), count))
        return {name: counts[name] for name in worst_first(counts)}


def _most(kinds: Sized) -> int:
    return min(SHOWN_OF_A_KIND, max(_ENOUGH, SHOWN // max(1, len(kinds))))


def selected(rows: pd.DataFrame, counts: Mapping[str, int], passed: "Counter[str]") -> pd.DataFrame:
    """Select the rows for the page from a part of all rows.

    Args:
        rows: The part, with the columns of exceptions.csv.
        counts: The number of exceptions of each kind.
        passed: The number of each kind in the parts before; those of `rows` are added.
    """
    kinds = kinds_of(rows)
    rank = rows.groupby(kinds).cumcount() + kinds.map(passed).fillna(0).astype(int)
    passed.update(kinds)
    last = (kinds.map(counts) - 1).clip(lower=1)
    steps = _most(counts) - 1
    # The first row is shown. Equal steps lead from there to the last row, and each row that
    # completes a step is shown, too.
    is_shown = (rank == 0) | (last <= steps) | (rank * steps // last > (rank - 1) * steps // last)
    shown = rows[is_shown].astype(object)
    return shown.where(shown.notna(), "")


def in_order(rows: pd.DataFrame, counts: Mapping[str, int]) -> pd.DataFrame:
    """Sort rows by kind, in the order of `counts`, and each kind by time."""
    order = {name: place for place, name in enumerate(counts)}
    time = rows["sent_at"].where(rows["sent_at"] != "", rows["broker_at"])
    keys = pd.DataFrame({"kind": kinds_of(rows).map(order), "time": time})
    return rows.loc[keys.sort_values(["kind", "time"], kind="stable").index]
