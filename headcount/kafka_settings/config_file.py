"""A client's configuration file: read as text, and turned into settings.

Both librdkafka's `name=value` files and Java's properties are read: the former are a subset of the
latter, except that Java's format uses backslashes for escapes.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import javaproperties
from pydantic import ValidationError

from headcount.errors import UsageError
from headcount.kafka_settings import registry_reader, settings_reader
from headcount.kafka_settings.exposed_files import exposed_files, is_exposed
from headcount.kafka_settings.names import SECRET, canonical, replaced_by
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount.kafka_settings.secret_references import is_reference, providers, resolve
from headcount.kafka_settings.settings import PLAINTEXT, KafkaSettings

FILE_VARIABLE = "HEADCOUNT_KAFKA_CONFIG"
ASSIGNMENTS_VARIABLE = "HEADCOUNT_KAFKA_SETTINGS"
"""Further settings, one per line, which a command passes on to the processes that it starts."""
_EXAMPLE = "security.protocol=SSL"
_NAME_END = re.compile(r"[=\s]")


def load(
    path: Path | None, assignments: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> KafkaSettings:
    """Read a file and single `name=value` settings, which win.

    Raises:
        UsageError: The file cannot be read, or a setting is unknown, missing or contradictory.
    """
    environ = os.environ if environ is None else environ
    sources = _sources(path, assignments)
    with _naming(path):
        kinds = providers(_merged(sources))
        named = {
            name: resolve(name, value, environ, kinds) for name, value in _named(sources).items()
        }
        return settings_reader.build(named) if named else PLAINTEXT


def load_registry(
    path: Path | None, assignments: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> RegistrySettings:
    """Read how to connect to the schema registry from the same file and settings. UsageError."""
    environ = os.environ if environ is None else environ
    values = _merged(_sources(path, assignments))
    with _naming(path):
        kinds = providers(values)
        named = {
            short: resolve(name, value, environ, kinds)
            for name, value in values.items()
            if (short := registry_reader.canonical(name)) is not None
        }
        kafka = load(path, assignments, environ) if registry_reader.is_inherited(named) else None
        return registry_reader.build(named, kafka)


def user_without_password(path: Path | None, assignments: Sequence[str]) -> str | None:
    """Return the user whose password is in neither file nor settings; None if none is missing.

    UsageError if the file cannot be read, or a setting is unknown.
    """
    sources = _sources(path, assignments)
    with _naming(path):
        named = _named(sources)
    is_missing = not {"sasl.password", "sasl.jaas.config"} & named.keys()
    return named.get("sasl.username") if is_missing else None


def from_environment(environ: Mapping[str, str]) -> KafkaSettings:
    """Return the settings that the environment names. UsageError as for `load`."""
    return load(*_from(environ), environ)


def registry_from_environment(environ: Mapping[str, str]) -> RegistrySettings:
    """Return the registry's settings that the environment names. UsageError."""
    return load_registry(*_from(environ), environ)


def _from(environ: Mapping[str, str]) -> tuple[Path | None, list[str]]:
    """Return the file and the single settings that the environment names. UsageError."""
    path = environ.get(FILE_VARIABLE)
    try:
        lines = setting_lines(environ.get(ASSIGNMENTS_VARIABLE, ""))
    except ValueError as error:
        raise UsageError(f"{ASSIGNMENTS_VARIABLE}: {error}") from None
    return Path(path) if path else None, lines


def setting_lines(text: str) -> list[str]:
    """Return the `name=value` settings of a text with one per line; blank lines are skipped.

    The message of a ValueError quotes no line, because it may contain a password.
    """
    numbered = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    for at, line in numbered:
        if not _is_assignment(line):
            raise ValueError(f"line {at} is not name=value, such as {_EXAMPLE}")
    return [line for _, line in numbered]


def environ_of(path: Path | None, assignments: Sequence[str]) -> dict[str, str]:
    """Return the variables that hand a file and settings to another process on this host."""
    variables = {}
    if path is not None:
        variables[FILE_VARIABLE] = str(path.absolute())
    if assignments:
        variables[ASSIGNMENTS_VARIABLE] = "\n".join(assignments)
    return variables


def readable_by_others(path: Path | None, assignments: Sequence[str] = ()) -> list[Path]:
    """Return the files with a secret that other users can read.

    The file itself may be one of them, and so may any file that a setting names. UsageError.
    """
    sources = _sources(path, assignments)
    exposed = exposed_files(_merged(sources))
    if path is None or not is_exposed(path):
        return exposed
    with _naming(path):
        holds_secret = any(_holds_secret(name, value) for name, value in sources.file.items())
    return [path, *exposed] if holds_secret else exposed


def check_assignment(text: str) -> str:
    """Check a `name=value` of the command line, which other users can see. UsageError."""
    name, value = _assignment(text)
    if _holds_secret(name, value):
        raise UsageError(
            f"{name} does not belong on the command line, which every user can read: put it into "
            f"the file, or write {name}=${{env:VARIABLE}} or {name}=${{directory:FOLDER:FILE}}"
        )
    return text


def _holds_secret(name: str, value: str) -> bool:
    is_secret = canonical(name) in SECRET or registry_reader.holds_secret(name, value)
    return is_secret and bool(value) and not is_reference(value)


def _assignment(text: str) -> tuple[str, str]:
    if not _is_assignment(text):
        shown = _NAME_END.split(text.strip())[0]  # the rest may contain a password
        raise UsageError(f"a Kafka setting is name=value, such as {_EXAMPLE}; got {shown!r}")
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def _is_assignment(text: str) -> bool:
    name, equals, _ = text.partition("=")
    return bool(equals and name.strip())


class _Sources(NamedTuple):
    """The settings of a file, and single ones, which win."""

    file: Mapping[str, str]
    single: Mapping[str, str]


def _sources(path: Path | None, assignments: Sequence[str]) -> _Sources:
    file = {} if path is None else _read(path)
    return _Sources(file, dict(map(_assignment, assignments)))


def _merged(sources: _Sources) -> dict[str, str]:
    return {**sources.file, **sources.single}


def _named(sources: _Sources) -> dict[str, str]:
    """Return the settings that every client gets, under their canonical names."""
    single = _canonical(sources.single)
    replaced = set[str]().union(*map(replaced_by, single))
    named = {
        name: value for name, value in _canonical(sources.file).items() if name not in replaced
    }
    return named | single


def _canonical(values: Mapping[str, str]) -> dict[str, str]:
    return {
        known: value for name, value in values.items() if (known := canonical(name)) is not None
    }


@contextlib.contextmanager
def _naming(path: Path | None) -> Iterator[None]:
    """Begin an error about settings with the path of their file, or with -X."""
    where = "-X" if path is None else str(path)
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    except ValidationError as error:
        reasons = "; ".join(
            detail["msg"].removeprefix("Value error, ") for detail in error.errors()
        )
        raise UsageError(f"{where}: {reasons}") from None


def _read(path: Path) -> dict[str, str]:
    try:
        text = path.read_text("utf-8-sig")
        # Both clients ignore spaces at the end of a line.
        return {name: value.strip() for name, value in javaproperties.loads(text).items()}
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"the Kafka settings cannot be read: {reason}: {path}") from None
    except (UnicodeError, javaproperties.InvalidUEscapeError):
        raise UsageError(f"{path} is not a file of name=value lines in UTF-8") from None
