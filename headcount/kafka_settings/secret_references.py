"""References to secrets: `${env:NAME}`, `${file:PATH:KEY}` and `${directory:PATH:NAME}`.

The notation is that of Kafka's configuration providers (KIP-297, KIP-632, KIP-887). These three
need not be declared. A file may declare more of them, under other names and with the same classes.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import javaproperties

from headcount.errors import UsageError

_REFERENCE = re.compile(r"\$\{([\w-]+):([^}]+)\}")
_DECLARED = re.compile(r"config\.providers\.([\w-]+)\.class")
_KINDS = {
    "EnvVarConfigProvider": "env",
    "FileConfigProvider": "file",
    "DirectoryConfigProvider": "directory",
}
"""The kind of each provider class, by its name without its package.

A class of this name in another vendor's package is taken for the same kind as Kafka's.
"""


def providers(values: Mapping[str, str]) -> dict[str, str]:
    """Return the kinds of Kafka's three providers and of the declared ones, by provider name.

    The kind is empty if the declared class is not supported.
    """
    kinds = {kind: kind for kind in _KINDS.values()}
    for name, value in values.items():
        declared = _DECLARED.fullmatch(name)
        if declared is not None:
            kinds[declared[1]] = _KINDS.get(value.rpartition(".")[2], "")
    return kinds


def resolve(
    name: str, value: str, environ: Mapping[str, str], kinds: Mapping[str, str] | None = None
) -> str:
    """Replace every reference in a setting's value. UsageError names what is missing.

    `kinds` is what `providers` returned; None stands for Kafka's three providers only.
    """
    kinds = providers({}) if kinds is None else kinds

    def resolved(match: re.Match[str]) -> str:
        kind = kinds.get(match[1])
        if not kind:
            known = ", ".join(name for name, supported in kinds.items() if supported)
            raise UsageError(
                f"{name}: the provider of {match[0]} is unknown: use one of {known}, or set "
                f"config.providers.{match[1]}.class to one of {', '.join(_KINDS)}"
            )
        try:
            return _LOOKUPS[kind](match[2], environ)
        except KeyError as error:
            raise UsageError(f"{name}: {match[0]} is not set: {error.args[0]}") from None
        except (OSError, UnicodeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{name}: {match[0]} cannot be read: {reason}") from None

    return _REFERENCE.sub(resolved, value)


def is_reference(value: str) -> bool:
    """Return whether a value only refers to what is kept elsewhere."""
    return _REFERENCE.fullmatch(value.strip()) is not None


def files_of(value: str, kinds: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files that are named by the references in a value."""
    for name, what in _REFERENCE.findall(value):
        path, _, key = what.rpartition(":")
        kind = kinds.get(name)
        if kind == "file":
            yield Path(path)
        elif kind == "directory":
            yield Path(path) / key


def _from_environment(what: str, environ: Mapping[str, str]) -> str:
    if what not in environ:
        raise KeyError(f"there is no environment variable {what}")
    return environ[what]


def _from_properties(what: str, _environ: Mapping[str, str]) -> str:
    path, colon, key = what.rpartition(":")
    if not colon:
        raise ValueError("write PATH:KEY, the path of a file and a key in it")
    properties = javaproperties.loads(Path(path).read_text("utf-8-sig"))
    if key not in properties:
        raise KeyError(f"the file has no {key}")
    return str(properties[key])


def _from_directory(what: str, _environ: Mapping[str, str]) -> str:
    path, colon, name = what.rpartition(":")
    if not colon:
        raise ValueError("write PATH:FILE, the path of a folder and a file in it")
    return (Path(path) / name).read_text("utf-8").rstrip("\r\n")


_LOOKUPS = {"env": _from_environment, "file": _from_properties, "directory": _from_directory}
