"""The jars: the broker's, the Spark connector's and the object store's, checked before each use.

`jars.lock` names every jar with its SHA-256. A set is fetched once, by the Ivy that pyspark ships,
into a folder aside, and appears under its own name only when all its jars are the locked ones. That
name holds a digest of the set's lock, so that another version of Headcount never meets it.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from headcount.errors import PartError
from headcount.stack.cache import locked
from headcount.stack.jvm.ivy import Fetcher, Ivy, aside
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
    """The broker's class path, fetched if need be.

    Raises:
        PartError: A jar cannot be fetched, or is not the locked one.
    """
    return fetched(fetcher, BROKER)


def connector_jars(fetcher: Fetcher) -> list[Path]:
    """What Spark's class path needs in addition to read Kafka, fetched if need be.

    Raises:
        PartError: A jar cannot be fetched, or is not the locked one.
    """
    return fetched(fetcher, CONNECTOR)


def object_store_jars(fetcher: Fetcher) -> list[Path]:
    """What Spark's class path needs to read and write an object store, fetched if need be.

    Raises:
        PartError: A jar cannot be fetched, or is not the locked one.
    """
    return fetched(fetcher, OBJECT_STORE)


def fetched(fetcher: Fetcher, *sets: str) -> list[Path]:
    """The verified jars of `sets`, the missing ones of which are fetched in one go."""
    if os.pathsep in str(fetcher.cache):
        raise PartError(
            f"Java cannot load jars from {fetcher.cache}, for its path has a {os.pathsep!r}: set "
            "HEADCOUNT_CACHE to another folder"
        )
    lock = read_lock()
    wanted = {name: [jar for jar in lock if jar.set_name == name] for name in sets}
    folders = {name: _folder(fetcher.cache, jars) for name, jars in wanted.items()}
    missing = [name for name, folder in folders.items() if not folder.exists()]
    if missing:
        with locked(fetcher.cache / "jars" / ".lock"):
            # Whoever held the lock may have fetched them.
            missing = [name for name in missing if not folders[name].exists()]
            if missing:
                _fetch(fetcher, {folders[name]: wanted[name] for name in missing})
    for name in sets:
        verify(folders[name], wanted[name])
    return [folders[name] / jar.file_name for name in sets for jar in wanted[name]]


def are_cached(cache: Path) -> bool:
    """Tell whether a run would fetch nothing. PartError if what is there is not as locked."""
    lock = read_lock()
    sets = [[jar for jar in lock if jar.set_name == name] for name in (BROKER, CONNECTOR)]
    there = [(_folder(cache, jars), jars) for jars in sets if _folder(cache, jars).exists()]
    for folder, jars in there:
        verify(folder, jars)
    return len(there) == len(sets)


def verify(folder: Path, jars: Iterable[Jar]) -> None:
    """Refuse `folder` unless it holds exactly `jars`, each with its locked content.

    Raises:
        PartError: Names the first jar that is wrong, missing or not in the lock, and the remedy.
    """
    expected = {jar.file_name: jar for jar in jars}
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name, jar in sorted(expected.items()):
        if name not in present:
            raise _refused(folder, name, "is missing")
        if (digest := sha256(folder / name)) != jar.sha256:
            raise _refused(folder, name, f"has SHA-256 {digest}, locked is {jar.sha256}")
    for name in sorted(present - expected.keys()):
        raise _refused(folder, name, "is not in the lock")


def _refused(folder: Path, name: str, why: str) -> PartError:
    return PartError(f"refused the jar {name}: it {why}; remove {folder} to have it fetched anew")


def _folder(cache: Path, jars: Iterable[Jar]) -> Path:
    """The folder of one set, named after what its lock says."""
    lines = [lock_line(jar) for jar in jars]
    name = lines[0].split()[0]
    return cache / "jars" / f"{name}-{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}"


# ---- fetching
def _fetch(fetcher: Fetcher, sets: Mapping[Path, list[Jar]]) -> None:
    """Fetch each set into a folder aside, verify it, and give it its name. The lock is held."""
    jars = [jar for wanted in sets.values() for jar in wanted]
    names = " and ".join(sorted({jar.set_name for jar in jars}))
    with (
        fetcher.console.step(f"Fetching the jars: {names}") as step,
        aside(fetcher.cache / "jars") as scratch,
    ):
        ivy = Ivy(fetcher, scratch)
        ivy.retrieve(ivy_file(exact(jars)), sets=len(sets), poms=False, progress=(step, len(jars)))
        for folder, wanted in sets.items():
            made = ivy.retrieved / wanted[0].set_name
            try:
                verify(made, wanted)
            except PartError as error:
                # What the network gave is not what was locked: there is no folder to remove.
                reason = str(error).partition(";")[0]
                raise PartError(
                    f"{reason}; nothing was kept: try again, and if it stays so, ask whoever runs "
                    "the proxy or mirror between"
                ) from None
            made.rename(folder)
