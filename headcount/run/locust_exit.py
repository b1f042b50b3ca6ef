"""How Locust ended: its exit code, why, and what that does to the verdict's exit code.

A run is judged by its ledgers and its topic, whatever Locust's exit code. That code is shown beside
the verdict, and can make the command's exit code worse, never better:

    Locust ended                            the command's exit code
    with 0                                  the verdict's
    because a threshold stopped the test    the verdict's, which includes the threshold
    because the run could not be recorded   Locust's (2 or 5), or 1 for a proven failure
    by a signal                             5, or 1 for a proven failure
    with any other code                     4 if the verdict's is 0, as for a threshold

Pure.
"""

from dataclasses import field
from enum import StrEnum

from pydantic.dataclasses import dataclass as validated

from headcount.errors import PartError
from headcount.run.verdict import Verdict


class Cause(StrEnum):
    """Why Locust ended with its exit code."""

    NOTHING = ""
    THRESHOLD = "threshold"
    ERROR = "error"
    OTHER = "other"


@validated(frozen=True, slots=True)
class LocustExit:
    """How Locust ended.

    `exit_code` is -N if signal N killed it, None if unknown. `problems` are errors of the
    scenario's listeners, which by themselves end nothing. `answers` describe the first request that
    failed in each way: the beginning of the body by HTTP status, or an error's text by its type.
    """

    exit_code: int | None
    cause: Cause = Cause.NOTHING
    reason: str = ""
    problems: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Format exit code and reason on one line."""
        ending = f"Locust ended with exit code {self.exit_code}"
        return f"{ending}: {self.reason}" if self.reason else ending

    def worse(self, exit_code: int) -> int:
        """Return the command's exit code; `exit_code` is that of the run's label."""
        if self.cause is Cause.ERROR and exit_code != Verdict.FAIL.exit_code:
            code = self.exit_code or 0
            return code if code > 0 else PartError.exit_code
        return exit_code
