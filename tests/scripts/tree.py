"""A source tree for a test."""

from collections.abc import Mapping
from pathlib import Path

from scripts.source import Module, read_modules


def modules(root: Path, texts: Mapping[str, str]) -> list[Module]:
    """Write modules, keyed by path without suffix, and parse them."""
    for name, text in texts.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_modules(root)
