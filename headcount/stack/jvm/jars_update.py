"""Updates the jars' lock file: `python -m headcount.stack.jvm.jars_update`."""

import os
import shutil
import sys
from pathlib import Path

from headcount.console import Console
from headcount.errors import PartError, UsageError
from headcount.stack.cache import cache_folder, locked
from headcount.stack.jvm.ivy import Fetcher, Ivy, scratch_folder
from headcount.stack.jvm.ivy_file import ROOTS, ivy_file, roots
from headcount.stack.jvm.jars_lock import LOCK_FILE, Jar, lock_line, sha256
from headcount.stack.jvm.java import find_java

_LOCK_HEADER = """\
# The jars of the local stack: set, coordinates, SHA-256. Written by `make lock`; do not edit.
"""


# ---- locking
def write_lock(fetcher: Fetcher, path: Path = LOCK_FILE) -> list[Jar]:
    """Resolve the roots, and write the resulting jars with their SHA-256 to the lock."""
    parent = fetcher.cache / "jars"
    with (
        fetcher.console.step("Resolving the jars"),
        locked(parent / ".lock"),
        scratch_folder(parent) as scratch,
    ):
        ivy = Ivy(fetcher, scratch)
        pattern = "[conf]/[organisation]/[module]/[artifact]/[revision].[ext]"
        ivy.retrieve(ivy_file(roots()), sets=len(ROOTS), poms=True, pattern=pattern)
        jars = sorted(
            Jar(*_coordinates(jar_path.relative_to(ivy.retrieved)), sha256(jar_path))
            for jar_path in ivy.retrieved.rglob("*.jar")
        )
        new_lock = scratch / LOCK_FILE.name
        new_lock.write_text(_LOCK_HEADER + "".join(map(lock_line, jars)), encoding="utf-8")
        shutil.move(new_lock, path)
    return jars


def _coordinates(path: Path) -> tuple[str, str, str, str]:
    """Set, group, artifact and version of a jar retrieved by the pattern of `write_lock`."""
    set_name, group, module, artifact, file_name = path.parts
    if module != artifact:
        raise UsageError(f"{path}: cannot lock an artifact whose name differs from its module's")
    return set_name, group, artifact, file_name.removesuffix(".jar")


def main() -> int:
    """Update the lock; return the exit code."""
    console = Console()
    environ = dict(os.environ)
    cache = cache_folder(environ)
    try:
        java = find_java(environ, cache, console.remark)
        jars = write_lock(Fetcher(java, cache, environ, console))
    except PartError as error:
        console.error(str(error))
        return error.exit_code
    console.result(f"{LOCK_FILE}: {len(jars)} jars")
    return 0


if __name__ == "__main__":
    sys.exit(main())
