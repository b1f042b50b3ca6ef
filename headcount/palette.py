"""Palette: the one home of colours, for classes, series and event types on every page.

Each colour has a shade for light and one for dark pages. Both have a contrast of at least 3:1
against every background of their theme (WCAG 2.2, 1.4.11). Pages use the CSS variables of `style`,
such as `var(--lost)`, so that a chart changes with the theme.

Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shades:
    """A colour on light and on dark backgrounds, each as `#rrggbb`."""

    light: str
    dark: str


LIGHT_PAPERS = ("#ffffff", "#f6f8fa")
DARK_PAPERS = ("#0d1117", "#161b22", "#1d2125")
"""The backgrounds that colours must stand out from, on light pages and on dark ones."""

CLASSES = {
    "delivered": Shades("#389467", "#8ff0a4"),
    "lost": Shades("#bb1424", "#ff4249"),
    "duplicated": Shades("#cb6c00", "#fda51a"),
    "indeterminate": Shades("#626c77", "#b4bbc3"),
    "refused": Shades("#1157b5", "#55a8fb"),
    "ghost": Shades("#a860da", "#ab56ee"),
    "phantom": Shades("#7a1fb0", "#d3aaff"),
    "recovered": Shades("#0b8a8f", "#3fd0cf"),
    "absent": Shades("#7b838c", "#8b96a1"),
    "corrupted": Shades("#b3327f", "#f58ac4"),
    "reordered": Shades("#8d4a6f", "#d9a3c1"),
    "late": Shades("#80591a", "#d8b878"),
    "misplaced": Shades("#4d6a8f", "#9db8d9"),
    "malformed": Shades("#7a4b12", "#cf9a58"),
    "garbled": Shades("#7a4b12", "#cf9a58"),
    "foreign": Shades("#56616b", "#99a5b0"),
}
"""The colours of classes and flags; delivered, lost, duplicated, indeterminate, refused and ghost
can be told apart with every common form of colour blindness."""

SERIES = {
    "target": Shades("#747d87", "#98a2ad"),
    "started": Shades("#2b3a4f", "#dbe4ee"),
    "answered": Shades("#0d86b4", "#4cc3ea"),
    "arrived": CLASSES["delivered"],
    "acked": CLASSES["delivered"],
    "failed": CLASSES["refused"],
    "users": Shades("#4a11d1", "#9ba3ff"),
    "in-flight": Shades("#0d86b4", "#4cc3ea"),
    "p50": Shades("#3d8fc6", "#3b86bd"),
    "p95": Shades("#1d5fa6", "#79bdec"),
    "p99": Shades("#0b2f66", "#d3ecff"),
    "max": Shades("#747d87", "#98a2ad"),
    "http": Shades("#1d5fa6", "#79bdec"),
    "from-intended": Shades("#ab7f18", "#f2bd45"),
    "end-to-end": Shades("#5f0291", "#c98be0"),
}
"""The colours of the lines over time; higher percentiles have more contrast."""

EVENT_TYPES = (
    Shades("#2e6dbc", "#77a9fe"),
    Shades("#ab7f18", "#f2bd45"),
    Shades("#5f0291", "#b06bc9"),
    Shades("#159aa0", "#8de9fa"),
    Shades("#844c07", "#fcd9ae"),
    Shades("#4a11d1", "#6d78fd"),
    Shades("#7b0051", "#d775a8"),
    Shades("#5b6269", "#b4bdc4"),
)
"""The colours of event types, in this order: none is red or green, and all can be told apart with
every common form of colour blindness. The same sequence serves generators, items and runs."""


def event_type_name(index: int) -> str:
    """Return the name of the variable for an event type by its place; the sequence repeats."""
    return f"type-{index % len(EVENT_TYPES) + 1}"


def colours() -> dict[str, Shades]:
    """Return all colours by the names of their variables, without the leading dashes."""
    types = {event_type_name(index): shades for index, shades in enumerate(EVENT_TYPES)}
    return {**CLASSES, **SERIES, **types}


def style() -> str:
    """Return the variables as CSS.

    They follow the reader's scheme, or the attribute `data-theme` of the page (light or dark) where
    it is set. Printed pages are always light.
    """
    light, dark = "".join(_declarations("light")), "".join(_declarations("dark"))
    by_scheme = f":root:not([data-theme=light]){{{dark}}}"
    return (
        f":root{{{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{{by_scheme}}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
    )


def _declarations(theme: str) -> Iterator[str]:
    return (f"--{name}:{getattr(shades, theme)};" for name, shades in colours().items())
