"""The text of an option file: sets options above its tables, and keeps everything else."""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping

from headcount.errors import UsageError

Value = str | tuple[str, ...]
"""A text, or the texts of an option that can be repeated."""

_TABLE = re.compile(r"\s*\[")
_ASSIGNMENT = re.compile(r"\s*(?:#\s*)?([A-Za-z-]+)\s*=")


def with_options(
    text: str, options: Mapping[str, Value], unset: Collection[str] = frozenset()
) -> str:
    """Set options for all commands, and remove others.

    An option replaces the line that sets it, even if that line is a comment; new ones follow the
    last option. UsageError if the file sets one of them over several lines.
    """
    lines = text.splitlines()
    end = next((place for place, line in enumerate(lines) if _TABLE.match(line)), len(lines))
    head = list(_changed(lines[:end], options, unset))
    present = set(map(_name_in, head))
    while head and not head[-1].strip():
        head.pop()
    head += [_line(name, value) for name, value in options.items() if name not in present]
    blank = [""] if head and end < len(lines) else []
    changed = "\n".join([*head, *blank, *lines[end:]]) + "\n"
    _check(changed, options, unset)
    return changed


def _changed(
    lines: Iterable[str], options: Mapping[str, Value], unset: Collection[str]
) -> Iterator[str]:
    written = set[str]()
    for line in lines:
        name = _name_in(line)
        if name in options:
            if name not in written:
                yield _line(name, options[name])
            written.add(name)
        elif name not in unset or line.lstrip().startswith("#"):
            yield line


def _name_in(line: str) -> str:
    match = _ASSIGNMENT.match(line)
    return match[1] if match else ""


def _line(name: str, value: Value) -> str:
    # A JSON string or list of strings is TOML, too.
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _check(text: str, options: Mapping[str, Value], unset: Collection[str]) -> None:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        table = {}
    wanted = {
        name: list(value) if isinstance(value, tuple) else value for name, value in options.items()
    }
    if any(table.get(name) != value for name, value in wanted.items()) or table.keys() & unset:
        lines = "; ".join(_line(name, value) for name, value in options.items())
        raise UsageError(
            f"Headcount cannot change the option file as it is written: set it yourself: {lines}"
        )
