"""Shares: how often a class occurred, as a percentage and as `1 in N`."""

from headcount_analysis.classes_and_flags import FLAGS, Counts

_LEAST_PERCENT = 0.0001
_MOST_PERCENT = 99.9


def share_of_class(counts: Counts, name: str) -> str:
    """Format the share of a class or flag among the attempts that could have it.

    For example `1.72 % of acknowledged, 1 in 58`; empty if none or all of the attempts have it.
    """
    count, (total, noun) = counts.as_dict()[name], _base(counts, name)
    return _share(count, total, f" of {noun}") if 0 < count < total else ""


def short_share(counts: Counts, name: str) -> str:
    """Format the share as `share_of_class` does, but without its base: `1.72 %, 1 in 58`."""
    count, (total, _) = counts.as_dict()[name], _base(counts, name)
    return _share(count, total, "") if 0 < count < total else ""


def _share(count: int, total: int, base: str) -> str:
    share = f"{_percent(count, total)} %{base}"
    one_in = round(total / count)
    return f"{share}, 1 in {one_in:,}" if one_in > 1 else share


def _base(counts: Counts, name: str) -> tuple[int, str]:
    if name == "lost":
        return counts.acked, "acknowledged"
    if name in FLAGS:
        seen = counts.delivered + counts.duplicated + counts.recovered + counts.ghost
        return seen, "those in the topic"
    return counts.attempted, "attempted"


def _percent(count: int, total: int) -> str:
    """Format a percentage; rounding never turns some into 0 %, or less than all into 100 %."""
    percent = 100 * count / total
    return (
        f"under {_LEAST_PERCENT:f}".rstrip("0")
        if percent < _LEAST_PERCENT
        else (f"{min(percent, _MOST_PERCENT):.3g}")
    )
