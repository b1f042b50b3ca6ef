"""The comparison in Markdown, for a pull request or a CI job's page."""

from collections.abc import Iterator

from headcount_analysis.compare_runs import words
from headcount_analysis.compare_runs.limits import LimitResult, LimitState
from headcount_analysis.compare_runs.model import RunComparison, Versus
from headcount_analysis.report.text.markdown_text import code, table, text

_MARKS = {LimitState.KEPT: "✅", LimitState.BROKEN: "❌", LimitState.UNKNOWN: "⚠️"}
_WORST_FIRST = (LimitState.BROKEN, LimitState.UNKNOWN, LimitState.KEPT)


def render(comparison: RunComparison) -> str:
    """Return the document as Markdown."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: RunComparison) -> Iterator[str]:
    yield f"## {_title(comparison)}"
    yield ""
    yield from (f"- {text(str(side))}" for side in comparison.sides)
    if comparison.differences.obstacles:
        yield from ("", "**Not comparable, but compared anyway:**", "")
        yield from (f"- {text(obstacle)}" for obstacle in comparison.differences.obstacles)
    rows = [
        (
            f"{_MARKS[limit.state]} {limit.state}",
            code(limit.limit.text),
            text(limit.side),
            text(words.limit(limit)),
        )
        for limit in comparison.limits
    ]
    if rows:
        yield from table(("", "limit", "side", "change"), rows)
    for versus in comparison.others:
        yield from _versus(comparison, versus)
    if comparison.differences.shown:
        yield from ("", "### Other differences", "")
        yield from (f"- {text(difference)}" for difference in comparison.differences.shown)


def _title(comparison: RunComparison) -> str:
    """Summarize the most important result in one line."""
    mark = ""
    if any(words.worse_of(comparison, versus) for versus in comparison.others):
        mark = _MARKS[LimitState.BROKEN]
    elif comparison.limits:
        states = {limit.state for limit in comparison.limits}
        mark = _MARKS[next(state for state in _WORST_FIRST if state in states)]
    return f"{mark} Comparison: {text(words.headline(comparison))}".strip()


def _limit(judged: LimitResult) -> tuple[str, ...]:
    state = f"{_MARKS[judged.state]} {judged.state}"
    return state, code(judged.limit.text), text(judged.side), text(words.limit(judged))


def _versus(comparison: RunComparison, versus: Versus) -> Iterator[str]:
    yield from ("", f"### {text(versus.side.name)} against base", "")
    yield from (f"- {text(sentence)}" for sentence in words.sentences(comparison, versus))
    rows = ((code(str(row.metric)), *map(text, words.cells(row))) for row in words.rows(versus))
    yield from table(("metric", *words.HEADER), rows)
