"""The jars' lock file: names, versions and SHA-256 of all permitted jars."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import PartError

LOCK_FILE = Path(__file__).with_name("jars.lock")

BROKER, CONNECTOR, OBJECT_STORE = "broker", "connector", "object-store"


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One locked jar: the set it belongs to, its Maven coordinates, its SHA-256 in hexadecimal."""

    set_name: str
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of its file in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """Return the locked jars, sorted.

    Raises:
        PartError: A line cannot be parsed.
    """
    jars = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line and not line.startswith("#"):
            try:
                set_name, coordinates, digest = line.split()
                group, artifact, version = coordinates.split(":")
            except ValueError as error:
                raise PartError(
                    f"{path}:{number} is not `set coordinates sha256`: restore the file"
                ) from error
            jars.append(Jar(set_name, group, artifact, version, digest))
    return sorted(jars)


def lock_line(jar: Jar) -> str:
    """Return a jar's line of the lock file."""
    return f"{jar.set_name} {jar.group}:{jar.artifact}:{jar.version} {jar.sha256}\n"
