"""How Locust ended: its exit code, why, and what that does to the verdict's exit code.

A run is judged by its ledgers and its topic, whatever Locust ended with. Locust's code is told
beside the verdict, and can make the exit code worse, never better:

    Locust ended                          the command ends with
    with 0                                the verdict's exit code
    since a threshold stopped the test    the verdict's, which knows of the threshold
    since the run could not be recorded   Locust's code (2 or 5), but for a proven failure (1)
    by a signal                           5, but for a proven failure (1)
    with any other code                   4 where the verdict's code is 0, as for a threshold

Pure.
"""

from dataclasses import field
from enum import StrEnum

from pydantic.dataclasses import dataclass as validated

from headcount.errors import PartError
from headcount.run.verdict import Verdict


class Cause(StrEnum):
    """Why Locust ended with the code that it did."""

    NOTHING = ""
    THRESHOLD = "threshold"
    ERROR = "error"
    OTHER = "other"


@validated(frozen=True, slots=True)
class LocustExit:
    """How Locust ended.

    `exit_code` is -N where signal N killed it, None where it is not known. `problems` are what
    listeners of the scenario raised, which by itself ends nothing. `answers` are how the first
    request that failed in some way was answered: the beginning of a body by its HTTP status, or an
    error's text by its kind.
    """

    exit_code: int | None
    cause: Cause = Cause.NOTHING
    reason: str = ""
    problems: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Format exit code and reason in a line."""
        ending = f"Locust ended with exit code {self.exit_code}"
        return f"{ending}: {self.reason}" if self.reason else ending

    def worse(self, exit_code: int) -> int:
        """Return the exit code of a run whose label has this one."""
        if self.cause is Cause.ERROR and exit_code != Verdict.FAIL.exit_code:
            code = self.exit_code or 0
            return code if code > 0 else PartError.exit_code
        return exit_code
