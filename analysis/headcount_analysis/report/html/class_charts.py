"""The chart of classes: what became of the events of each type, except delivered ones."""

from collections.abc import Iterator, Mapping

from headcount_analysis.classes_and_flags import UNEXCEPTIONAL, Counts, Fate
from headcount_analysis.report.html.bars import Bar, BarPart, drawn_bars
from headcount_analysis.report.html.exception_links import link
from headcount_analysis.report.html.figure import Figure

_MOST_TYPES = 20
_DRAWN = ("lost", "duplicated", "ghost", "phantom", "absent", "recovered", "refused")


def class_figure(by_event_type: Mapping[str, Counts]) -> Figure | None:
    """Draw a bar for each event type with classes other than delivered; None if there is none."""
    bars = [
        Bar(name, parts)
        for name, counts in by_event_type.items()
        if (parts := tuple(_parts(name, counts)))
    ]
    if not bars:
        return None
    shown = sorted(bars, key=lambda bar: -bar.value)[:_MOST_TYPES]
    some = "" if len(shown) == len(bars) else f" The longest {len(shown)} of {len(bars)} bars."
    return Figure("Classes other than delivered", drawn_bars(shown), f"By event type.{some}")


def _parts(name: str, counts: Counts) -> Iterator[BarPart]:
    for key in _DRAWN:
        count = getattr(counts, key)
        if count:
            href = "" if Fate(key) in UNEXCEPTIONAL else link({"class": key, "type": name})
            yield BarPart(count, key, f"{count:,} {key}", href)
