"""Load progress: one line about a run in progress, from the monitor to `headcount run`.

The monitor writes it into a file once a second if someone watches the terminal.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.monitor.live_stats import LiveSnapshot

_WHOLE_FROM = 10
"""Rates and times of at least this value are shown without decimals."""


@validated(frozen=True, slots=True)
class LoadProgress:
    """The state of the load; a figure is None if it is not known.

    `not_watched` says since when the topic has not been watched; empty while it is watched.
    """

    rate: float | None
    p99_ms: float | None
    failed: int
    indeterminate: int
    missing: int | None
    not_watched: str = ""

    def __str__(self) -> str:
        """Format it, such as `66/s · p99 41 ms · 0 failed · 0 missing`."""
        parts = [
            "" if self.rate is None else f"{_figure(self.rate)}/s",
            "" if self.p99_ms is None else f"p99 {_figure(self.p99_ms)} ms",
            f"{self.failed:,} failed",
            f"{self.indeterminate:,} indeterminate" if self.indeterminate else "",
            self.not_watched or ("" if self.missing is None else f"{self.missing:,} missing"),
        ]
        return " · ".join(filter(None, parts))


_PROGRESS = TypeAdapter(LoadProgress)


@dataclass(frozen=True, slots=True)
class ProgressFile:
    """The file that holds the latest state."""

    path: Path

    def write(self, snapshot: LiveSnapshot, not_watched: str) -> None:
        """Replace the state. Raises OSError."""
        total = snapshot.total
        progress = LoadProgress(
            rate=snapshot.rate,
            p99_ms=snapshot.p99_ms,
            failed=total.failed,
            indeterminate=total.indeterminate,
            missing=snapshot.missing if snapshot.is_watched else None,
            not_watched=not_watched,
        )
        self.path.write_bytes(_PROGRESS.dump_json(progress))

    def read(self) -> LoadProgress | None:
        """Return the state; None if there is none, or if it is just being written."""
        try:
            return _PROGRESS.validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return None

    def remove(self) -> None:
        """Remove the file, if there is one. Raises OSError."""
        self.path.unlink(missing_ok=True)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= _WHOLE_FROM else f"{value:.1f}"
