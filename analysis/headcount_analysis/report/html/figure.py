"""Figures: a chart with its title and a sentence that says what it shows."""

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as HTML, its title, and a text that says what it shows."""

    title: str
    svg: Markup
    text: str = ""
