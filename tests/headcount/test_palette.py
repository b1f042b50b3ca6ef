"""The palette: every colour is visible, and those that meet in a chart can be told apart."""

import itertools
import math
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from headcount.palette import (
    CLASSES,
    DARK_PAPERS,
    EVENT_TYPES,
    LIGHT_PAPERS,
    Shades,
    colours,
    event_type_name,
    style,
)

ROOT = Path(__file__).parents[2]
LEAST_CONTRAST = 3.0
LEAST_DISTANCE = 0.07
"""In Oklab (Ottosson, 2020), where black and white are 1 apart."""

# Severity 1.0 (Machado, Oliveira and Fernandes, 2009).
SIGHTS = {
    "full": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
MET = ("delivered", "lost", "duplicated", "indeterminate", "refused", "ghost")

Triple = tuple[float, ...]


def dot(weights: Triple, values: Triple) -> float:
    """Return the scalar product."""
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def linear(colour: str) -> Triple:
    """Convert to linear RGB."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)


def contrast(one: str, other: str) -> float:
    """Return the contrast by WCAG 2.2."""
    weights = (0.2126, 0.7152, 0.0722)
    low, high = sorted(dot(weights, linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def seen_as(colour: str, sight: str) -> Triple:
    """Return where a colour lies in Oklab for a kind of sight."""
    red, green, blue = (min(1.0, max(0.0, dot(row, linear(colour)))) for row in SIGHTS[sight])
    cone = tuple(
        part ** (1 / 3)
        for part in (
            0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue,
            0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue,
            0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue,
        )
    )
    return (
        dot((0.2104542553, 0.7936177850, -0.0040720468), cone),
        dot((1.9779984951, -2.4285922050, 0.4505937099), cone),
        dot((0.0259040371, 0.7827717662, -0.8086757660), cone),
    )


def closest(shown: Iterable[str], sight: str) -> float:
    """Return the distance of the two most similar colours."""
    places = [seen_as(colour, sight) for colour in shown]
    return min(math.dist(*pair) for pair in itertools.combinations(places, 2))


@pytest.mark.parametrize("name", colours())
def test_every_colour_stands_out_from_every_paper(name: str) -> None:
    """The contrast is at least 3:1 on light and on dark pages."""
    shades = colours()[name]
    assert min(contrast(shades.light, paper) for paper in LIGHT_PAPERS) >= LEAST_CONTRAST
    assert min(contrast(shades.dark, paper) for paper in DARK_PAPERS) >= LEAST_CONTRAST


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "group", [EVENT_TYPES, [CLASSES[name] for name in MET]], ids=["event types", "classes"]
)
def test_colours_of_a_chart_can_be_told_apart(
    group: Iterable[Shades], theme: str, sight: str
) -> None:
    """With every common form of colour blindness."""
    assert closest([getattr(shades, theme) for shades in group], sight) >= LEAST_DISTANCE


@pytest.mark.parametrize("shades", EVENT_TYPES)
def test_no_event_type_is_red_or_green(shades: Shades) -> None:
    """Red means lost, and green means delivered."""
    for colour in (shades.light, shades.dark):
        _, a, b = seen_as(colour, "full")
        hue = math.degrees(math.atan2(b, a)) % 360
        is_grey = math.hypot(a, b) < 0.03
        assert is_grey or 60 <= hue <= 110 or 190 <= hue <= 355, (colour, hue)


def test_the_classes_have_the_hues_that_readers_expect() -> None:
    """Green, red, orange, grey, blue and purple."""
    hues = {"delivered": 155, "lost": 23, "duplicated": 66, "refused": 256, "ghost": 305}
    for name, expected in hues.items():
        for colour in (CLASSES[name].light, CLASSES[name].dark):
            _, a, b = seen_as(colour, "full")
            assert abs(math.degrees(math.atan2(b, a)) % 360 - expected) < 12
    _, a, b = seen_as(CLASSES["indeterminate"].light, "full")
    assert math.hypot(a, b) < 0.03


def test_event_types_beyond_the_last_colour_start_again() -> None:
    """Any number of event types can be drawn."""
    assert event_type_name(0) == event_type_name(len(EVENT_TYPES)) == "type-1"


@pytest.mark.parametrize(
    "sheet",
    [
        "analysis/headcount_analysis/report/html/page.css",
        "headcount/plugin/web/static/page.css",
    ],
)
def test_figures_in_a_colour_of_the_palette_are_large(sheet: str) -> None:
    """A contrast of 3:1 is enough only for bold text of at least 18.66 px (WCAG 2.2, 1.4.3)."""
    style_of_figures = re.search(
        r"\.figures dd \{[^}]*font-size: ([\d.]+)rem; font-weight: (\d+)",
        (ROOT / sheet).read_text(encoding="utf-8"),
    )
    assert style_of_figures is not None
    assert float(style_of_figures[1]) * 16 >= 18.66
    assert int(style_of_figures[2]) >= 700


def test_the_style_declares_every_colour_for_both_themes() -> None:
    """A page that uses a variable has it, whatever sets the theme; paper is light."""
    light, by_scheme, by_theme = style().splitlines()
    for name, shades in colours().items():
        assert f"--{name}:{shades.light};" in light
        assert f"--{name}:{shades.dark};" in by_scheme
        assert f"--{name}:{shades.dark};" in by_theme
    assert all(line.startswith("@media screen") for line in (by_scheme, by_theme))
    assert len(set(re.findall(r"--([a-z0-9-]+):", light))) == len(colours())
