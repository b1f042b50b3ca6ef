"""The option file: `headcount.toml`, or the table `tool.headcount` of `pyproject.toml`.

host = "http://127.0.0.1:5000"        # for every command that has the option
topic = "orders"
threshold = ["http.p99 < 300ms"]

[run]                                 # for one command
users = 50
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headcount.errors import UsageError

FILE, PROJECT_FILE = "headcount.toml", "pyproject.toml"
PROJECT_TABLE = ("tool", "headcount")
"""The path of the table in the project's file."""

LONGEST_FILE = 1 << 20
"""The size in bytes above which a file is refused."""


@dataclass(frozen=True, slots=True)
class OptionFile:
    """The options of a project, by name: those of all commands, and those of single commands."""

    path: Path
    shared: Mapping[str, Any]
    by_command: Mapping[str, Mapping[str, Any]]


def find_option_file(folder: Path, named: Path | None) -> OptionFile | None:
    """Read the named file, or else the one in a folder; None if there is none.

    UsageError if a file that is named is missing, or if a file is not TOML.
    """
    if named is not None:
        return _read(named, in_project=named.name == PROJECT_FILE)
    if (folder / FILE).is_file():
        return _read(folder / FILE, in_project=False)
    if (folder / PROJECT_FILE).is_file():
        options = _read(folder / PROJECT_FILE, in_project=True)
        return options if options.shared or options.by_command else None
    return None


def _read(path: Path, *, in_project: bool) -> OptionFile:
    try:
        content = path.read_bytes()
        if len(content) > LONGEST_FILE:
            raise UsageError(
                f"{path} has more than {LONGEST_FILE:,} bytes: keep only options in it"
            )
        table: Mapping[str, Any] = tomllib.loads(content.decode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read the options in {path}: {reason}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    if in_project:
        for name in PROJECT_TABLE:
            table = _subtable(table, name, path)
    shared = {name: value for name, value in table.items() if not isinstance(value, dict)}
    by_command = {name: value for name, value in table.items() if isinstance(value, dict)}
    return OptionFile(path, shared, by_command)


def _subtable(table: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise UsageError(f"{name} in {path} must be a table")
    return value
