"""A JSON value as Python's source code."""

import json
import textwrap
from typing import Any

_WIDTH = 80
"""The width of a line above which an object has one line for each field."""


def literal(value: Any) -> str:
    """Return the code of a value, formatted as ruff would."""
    match value:
        case dict():
            return _bracketed(
                "{}", [f"{literal(name)}: {literal(part)}" for name, part in value.items()]
            )
        case list():
            return _bracketed("[]", list(map(literal, value)))
        case str():
            return json.dumps(value, ensure_ascii=False)  # in double quotes
        case _:
            return repr(value)


def _bracketed(brackets: str, parts: list[str]) -> str:
    line = f"{brackets[0]}{', '.join(parts)}{brackets[1]}"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    lines = textwrap.indent("".join(f"{part},\n" for part in parts), "    ")
    return f"{brackets[0]}\n{lines}{brackets[1]}"
