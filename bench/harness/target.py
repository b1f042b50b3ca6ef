"""Targets: what a benchmark's figure should be, whether it is, and what keeps it from that."""

from dataclasses import dataclass

from bench.harness.figures import MedianRange


@dataclass(frozen=True, slots=True)
class PerformanceTarget:
    """A figure and its limit: an upper one where `at_most`, else a lower one.

    `held_by` says in a clause what keeps the figure from its limit, as far as that is known.
    """

    what: str
    limit: float
    found: MedianRange
    at_most: bool = False
    unit: str = ""
    held_by: str = ""

    @property
    def margin(self) -> float:
        """By how much the median is on the good side of the limit; negative where it is not."""
        difference = self.found.median - self.limit
        return -difference if self.at_most else difference

    @property
    def is_met(self) -> bool:
        """Whether the median keeps to the limit."""
        return self.margin >= 0

    @property
    def wanted(self) -> str:
        """Write the limit."""
        return f"{'at most' if self.at_most else 'at least'} {self._written(self.limit)}"

    @property
    def measured(self) -> str:
        """Write what was found, with its spread."""
        return self.found.show(_form(self.limit)) + self.unit

    @property
    def verdict(self) -> str:
        """Say whether it is met, and if not by how much it is missed."""
        return "met" if self.is_met else f"missed by {self._written(-self.margin)}"

    def _written(self, value: float) -> str:
        return f"{value:{_form(self.limit)}}{self.unit}"


def _form(limit: float) -> str:
    """Two places for ratios, none for large numbers."""
    return ",.0f" if limit >= 100 else ".1f" if limit >= 10 else ".2f"  # noqa: PLR2004
