"""Horizontal bars as HTML: each row has a name, a bar of coloured parts, and numbers as text."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from headcount_analysis.report.html.line_chart import label


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar: its value, the name of its colour's variable, its text and its link."""

    value: float
    colour: str
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its name and its parts."""

    name: str
    parts: tuple[BarPart, ...]

    @property
    def value(self) -> float:
        """The sum of its parts."""
        return sum(part.value for part in self.parts)


def drawn_bars(bars: Sequence[Bar]) -> Markup:
    """Draw bars over a common scale from 0."""
    longest = max((bar.value for bar in bars), default=0) or 1
    rows = "".join(_row(bar, longest) for bar in bars)
    return Markup(f'<div class="bars">{rows}</div>')  # noqa: S704 - every text is escaped


def _row(bar: Bar, longest: float) -> str:
    tracks = "".join(_track(part, longest) for part in bar.parts)
    return (
        f'<div><span class="name">{escape(label(bar.name))}</span>'
        f'<span class="track" aria-hidden="true">{tracks}</span>'
        f'<span class="values{_kind(bar.parts)}">{_texts(bar.parts)}</span></div>'
    )


def _track(part: BarPart, longest: float) -> str:
    share = 100 * max(0.0, part.value) / longest
    return f'<i style="width:{share:.2f}%;background:var(--{part.colour})"></i>'


def _kind(parts: Sequence[BarPart]) -> str:
    """Return the CSS class that aligns a plain number to the right; empty for other texts."""
    is_number = len(parts) == 1 and parts[0].text.replace(",", "").isdigit()
    return " number" if is_number else ""


def _texts(parts: Sequence[BarPart]) -> str:
    """Return the numbers of a bar; if it has several parts, each with its colour."""
    return "".join(
        f"<span>{_key(part) if len(parts) > 1 else ''}{_text(part)}</span>" for part in parts
    )


def _key(part: BarPart) -> str:
    return f'<i style="background:var(--{part.colour})"></i>'


def _text(part: BarPart) -> str:
    text = escape(part.text)
    return f'<a href="{escape(part.link)}">{text}</a>' if part.link else text
