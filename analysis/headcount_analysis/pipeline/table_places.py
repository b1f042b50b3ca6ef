"""Places: where executors write the two tables behind a report."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Self

from headcount_analysis.spark.tables import Tables, keep_only

ARRIVALS_FOLDER, FATES_FOLDER = "arrivals.parquet", "fates.parquet"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the tables are written until they are finished: paths or URLs."""

    arrivals: str
    fates: str

    @classmethod
    def begin(cls, tables: Tables) -> Self:
        """Make two empty places. Raises OSError."""
        return cls(tables.begin(ARRIVALS_FOLDER), tables.begin(FATES_FOLDER))

    @classmethod
    def resume(cls, tables: Tables) -> Self:
        """Reuse both places with their files. Raises OSError."""
        return cls(tables.resume(ARRIVALS_FOLDER), tables.resume(FATES_FOLDER))

    @classmethod
    def resume_arrivals(cls, tables: Tables) -> Self:
        """Reuse the arrivals, and make an empty place for the fates. Raises OSError."""
        return cls(tables.resume(ARRIVALS_FOLDER), tables.begin(FATES_FOLDER))

    def finish(self, tables: Tables, fates: AbstractSet[str]) -> None:
        """Move both tables to their final place; `fates` names the files of the second.

        Raises EvidenceError if a file is missing, and OSError.
        """
        tables.finish(ARRIVALS_FOLDER)
        keep_only(self.fates, fates)
        tables.finish(FATES_FOLDER)
