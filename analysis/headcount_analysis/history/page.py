"""The history as a page: a single HTML file that works offline, on a phone and without scripts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from headcount import palette
from headcount.run.verdict import Label
from headcount_analysis.history import words
from headcount_analysis.history.baseline import Assessment
from headcount_analysis.history.entry import SAMPLED, HistoryEntry
from headcount_analysis.history.history import HistoryOverview, SelectedSeries, began, searched
from headcount_analysis.history.series import Series
from headcount_analysis.history.trend import DefectChart, TrendChart, charts, defect_chart
from headcount_analysis.report.html.page_files import hashes_of, own_file
from headcount_analysis.report.html.templates import template

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SeriesCard:
    """What the page shows of a series, which `key` identifies."""

    key: int
    series: Series
    sentences: tuple[words.HistorySentence, ...]
    charts: tuple[TrendChart, ...]
    defects: DefectChart


@dataclass(frozen=True, slots=True)
class PageRow:
    """A row of the table of runs: its cells as text, and the values that it is sorted by."""

    key: int
    run: Assessment
    sampled: tuple[tuple[str, float | None], ...]
    lost: str
    others: str
    against: str
    search: str


def render(history: HistoryOverview, chosen: Sequence[SelectedSeries], links: str) -> str:
    """Return the page as HTML; links to reports begin with `links`, a path or a URL."""
    script = own_file(_HERE / "page.js")
    cards = tuple(_card(key, selected, history) for key, selected in enumerate(chosen))
    rows = _rows(chosen)
    return template(_HERE / "page.html").render(
        history=history,
        cards=cards,
        rows=rows,
        labels=tuple((label, sum(row.run.entry.label is label for row in rows)) for label in Label),
        scenarios=_names(card.series.first.scenario for card in cards),
        targets=_names(card.series.first.target for card in cards),
        titles=tuple(words.TITLES[str(metric)] for metric in SAMPLED),
        data=_data(cards),
        links=f"{links.rstrip('/')}/",
        words=words,
        style=Markup(palette.style()) + own_file(_HERE / "page.css"),  # noqa: S704 - our own style
        script=script,
        script_hashes=hashes_of([script]),
    )


def _card(key: int, chosen: SelectedSeries, history: HistoryOverview) -> SeriesCard:
    series = chosen.series
    return SeriesCard(
        key=key,
        series=series,
        sentences=tuple(words.sentences(series)),
        charts=tuple(charts(series, history.baseline_runs)),
        defects=defect_chart(series),
    )


def _rows(chosen: Sequence[SelectedSeries]) -> tuple[PageRow, ...]:
    """Return the rows of all series, the latest run first."""
    rows = [_row(key, run) for key, selected in enumerate(chosen) for run in selected.shown]
    return tuple(sorted(rows, key=lambda row: began(row.run), reverse=True))


def _row(key: int, run: Assessment) -> PageRow:
    entry = run.entry
    return PageRow(
        key=key,
        run=run,
        sampled=tuple(
            (words.sampled_text(entry, metric), entry.figures.get(str(metric)))
            for metric in SAMPLED
        ),
        lost=words.count_text(entry, "lost"),
        others=words.other_defects(entry),
        against=words.against_baseline(run),
        search=searched(entry),
    )


def _names(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


def _data(cards: Iterable[SeriesCard]) -> Markup:
    """Return what the script shows when the reader points at a run, as JSON."""
    data = [
        {
            "runs": [_head(run.entry) for run in card.series.runs],
            "charts": [*(chart.values for chart in card.charts), card.defects.values],
            "against": [words.against_baseline(run) for run in card.series.runs],
        }
        for card in cards
    ]
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # With < escaped, as JSON in a script allows, no text can end the element.
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _head(entry: HistoryEntry) -> tuple[str, str, str]:
    return entry.run_id, words.began_text(entry), f"{entry.label.mark} {entry.label.value}"
