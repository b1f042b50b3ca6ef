"""References to secrets: `${env:NAME}`, `${file:PATH:KEY}` and `${directory:PATH:NAME}`.

The notation is that of Kafka's configuration providers (KIP-297, KIP-632, KIP-887), which here
need not be declared.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import javaproperties

from headcount.errors import UsageError

_REFERENCE = re.compile(r"\$\{(env|file|directory):([^}]+)\}")


def resolve(name: str, value: str, environ: Mapping[str, str]) -> str:
    """Replace every reference in a setting's value. UsageError names what is missing."""

    def resolved(match: re.Match[str]) -> str:
        kind, what = match[1], match[2]
        try:
            return _LOOKUPS[kind](what, environ)
        except KeyError as error:
            raise UsageError(f"{name}: {match[0]} is not set: {error.args[0]}") from None
        except (OSError, UnicodeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{name}: {match[0]} cannot be read: {reason}") from None

    return _REFERENCE.sub(resolved, value)


def is_reference(value: str) -> bool:
    """Return whether a value only refers to what is kept elsewhere."""
    return _REFERENCE.fullmatch(value.strip()) is not None


def _from_environment(what: str, environ: Mapping[str, str]) -> str:
    if what not in environ:
        raise KeyError(f"there is no environment variable {what}")
    return environ[what]


def _from_properties(what: str, _environ: Mapping[str, str]) -> str:
    path, _, key = what.rpartition(":")
    properties = javaproperties.loads(Path(path).read_text("utf-8"))
    if key not in properties:
        raise KeyError(f"the file has no {key}")
    return str(properties[key])


def _from_directory(what: str, _environ: Mapping[str, str]) -> str:
    path, _, name = what.rpartition(":")
    return (Path(path) / name).read_text("utf-8").rstrip("\r\n")


_LOOKUPS = {"env": _from_environment, "file": _from_properties, "directory": _from_directory}
