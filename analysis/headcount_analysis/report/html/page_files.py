"""Files of our own that pages include: the charts' style and script, and scripts' hashes."""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from headcount import palette

_HERE = Path(__file__).parent

CHART_SCRIPTS = ("chart_places.js", "chart_zoom.js", "chart_hover.js", "chart_start.js")


def own_file(path: Path) -> Markup:
    """Read a file of ours, which is not escaped."""
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704


def chart_style() -> Markup:
    """Return the style of charts, with the colours that they use."""
    return Markup(palette.style()) + own_file(_HERE / "charts.css")  # noqa: S704 - our own style


def chart_script() -> Markup:
    """Return the script of charts: hover, zoom and legend."""
    parts = Markup("").join(own_file(_HERE / name) for name in CHART_SCRIPTS)
    return Markup('"use strict";\n(() => {{\n{}}})();\n').format(parts)


def hashes_of(scripts: Iterable[str]) -> Markup:
    """Return the hashes of scripts in the form that a Content-Security-Policy uses."""
    return Markup(" ").join(Markup("'{}'").format(_hash_of(script)) for script in scripts)


def _hash_of(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
