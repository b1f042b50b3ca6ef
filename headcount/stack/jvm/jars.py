"""The jars: the broker's, the Spark connector's and the object store's, checked before each use.

`jars.lock` lists every jar with its SHA-256. Ivy, which pyspark ships, fetches each set once into a
temporary folder, which gets its final name when all its jars match the lock. The name contains a
digest of the set's lock lines, so that versions of Headcount with different locks do not share it.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from headcount.errors import PartError
from headcount.stack.cache import locked
from headcount.stack.jvm.ivy import Fetcher, Ivy, scratch_folder
from headcount.stack.jvm.ivy_file import exact, ivy_file
from headcount.stack.jvm.jars_lock import (
    BROKER,
    CONNECTOR,
    OBJECT_STORE,
    Jar,
    lock_line,
    read_lock,
    sha256,
)


# ---- using
def broker_jars(fetcher: Fetcher) -> list[Path]:
    """Return the broker's class path; fetch it if necessary.

    Raises:
        PartError: A jar cannot be fetched, or does not match the lock.
    """
    return fetched(fetcher, BROKER)


def connector_jars(fetcher: Fetcher) -> list[Path]:
    """Return the jars that Spark needs to read Kafka; fetch them if necessary.

    Raises:
        PartError: A jar cannot be fetched, or does not match the lock.
    """
    return fetched(fetcher, CONNECTOR)


def object_store_jars(fetcher: Fetcher) -> list[Path]:
    """Return the jars that Spark needs to use an object store; fetch them if necessary.

    Raises:
        PartError: A jar cannot be fetched, or does not match the lock.
    """
    return fetched(fetcher, OBJECT_STORE)


def fetched(fetcher: Fetcher, *sets: str) -> list[Path]:
    """Return the verified jars of `sets`; one run of Ivy fetches all missing sets.

    Raises:
        PartError: A jar cannot be fetched, or does not match the lock.
    """
    if os.pathsep in str(fetcher.cache):
        raise PartError(
            f"Java cannot load jars from {fetcher.cache}, because the path contains "
            f"{os.pathsep!r}: set HEADCOUNT_CACHE to another folder"
        )
    lock = read_lock()
    wanted = {name: [jar for jar in lock if jar.set_name == name] for name in sets}
    folders = {name: _folder(fetcher.cache, jars) for name, jars in wanted.items()}
    missing = [name for name, folder in folders.items() if not folder.exists()]
    if missing:
        with locked(fetcher.cache / "jars" / ".lock"):
            # Another process may have fetched them while this one waited for the lock.
            missing = [name for name in missing if not folders[name].exists()]
            if missing:
                _fetch(fetcher, {folders[name]: wanted[name] for name in missing})
    for name in sets:
        verify(folders[name], wanted[name])
    return [folders[name] / jar.file_name for name in sets for jar in wanted[name]]


def are_cached(cache: Path) -> bool:
    """Return whether a run need not fetch a jar. Raises PartError if one differs from the lock."""
    lock = read_lock()
    sets = [[jar for jar in lock if jar.set_name == name] for name in (BROKER, CONNECTOR)]
    cached = [(_folder(cache, jars), jars) for jars in sets if _folder(cache, jars).exists()]
    for folder, jars in cached:
        verify(folder, jars)
    return len(cached) == len(sets)


def verify(folder: Path, jars: Iterable[Jar]) -> None:
    """Refuse `folder` unless it holds exactly `jars`, each with its locked content.

    Raises:
        PartError: A jar is wrong, missing or not in the lock; names the first one and the remedy.
    """
    expected = {jar.file_name: jar for jar in jars}
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name, jar in sorted(expected.items()):
        if name not in present:
            raise _refused(folder, name, "is missing")
        if (digest := sha256(folder / name)) != jar.sha256:
            raise _refused(folder, name, f"has SHA-256 {digest}, but the lock says {jar.sha256}")
    for name in sorted(present - expected.keys()):
        raise _refused(folder, name, "is not in the lock")


def _refused(folder: Path, name: str, why: str) -> PartError:
    return PartError(
        f"the jar {name} cannot be used: it {why}; remove {folder}, and Headcount fetches the jars "
        "again"
    )


def _folder(cache: Path, jars: Iterable[Jar]) -> Path:
    """The folder of one set, named by the set and a digest of its lock lines."""
    lines = [lock_line(jar) for jar in jars]
    name = lines[0].split()[0]
    return cache / "jars" / f"{name}-{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}"


# ---- fetching
def _fetch(fetcher: Fetcher, sets: Mapping[Path, list[Jar]]) -> None:
    """Fetch and verify sets in a temporary folder, then rename them. The caller holds the lock."""
    jars = [jar for wanted in sets.values() for jar in wanted]
    names = " and ".join(sorted({jar.set_name for jar in jars}))
    with (
        fetcher.console.step(f"Fetching the jars: {names}") as step,
        scratch_folder(fetcher.cache / "jars") as scratch,
    ):
        ivy = Ivy(fetcher, scratch)
        ivy.retrieve(ivy_file(exact(jars)), sets=len(sets), poms=False, progress=(step, len(jars)))
        for folder, wanted in sets.items():
            retrieved = ivy.retrieved / wanted[0].set_name
            try:
                verify(retrieved, wanted)
            except PartError as error:
                # The download differs from the lock. The temporary folder goes away by itself.
                reason = str(error).partition(";")[0]
                raise PartError(
                    f"{reason}; nothing was kept: try again, and if it recurs, ask whoever runs "
                    "the proxy or mirror"
                ) from None
            retrieved.rename(folder)
