"""The row of an attempt that has ended, while the scenario may still set its outcome."""

from collections.abc import Callable
from dataclasses import dataclass

from headcount.plugin.attempts.attempt import Attempt
from headcount.run.request_outcome import Outcome


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row that is not written yet; if the run ends first, it is written with the latest outcome.

    `add` adds the attempt's row to the ledger.
    """

    attempt: Attempt
    add: Callable[[Attempt], None]

    @property
    def is_written(self) -> bool:
        """Whether the ledger has the row already."""
        return self.attempt.ending is None

    def set_outcome(self, outcome: Outcome) -> None:
        """Change the outcome that the row will have."""
        ending = self.attempt.ending
        if ending is not None and ending.outcome is not outcome:
            self.attempt.ending = ending._replace(outcome=outcome)

    def write(self) -> None:
        """Write the row, unless it is written."""
        if not self.is_written:
            self.add(self.attempt)
