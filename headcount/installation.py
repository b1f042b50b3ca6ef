"""The installation: the packages that it lacks, and the command that installs them."""

import importlib.metadata
import re
import sys
from collections.abc import Collection, Iterator

from headcount.errors import PartError

FULL, SLIM = "headcount", "headcount-slim"
"""The distributions. `headcount` requires everything that a run needs.

`headcount-slim` has the same modules, but requires most packages only with its extras.
"""

COMMAND, GENERATOR = "cli", "load"
"""The extra that the `headcount` commands need, and the one that Locust with the plugin needs."""

_OWN = frozenset({"headcount", "headcount_analysis", "headcount_service", "headcount_players"})
_OF_COMMAND = frozenset({"core", "service", "load", "analysis", "cli"})
_REQUIREMENT = re.compile(r"([\w.-]+).*?(?:;.*extra == ['\"]([\w-]+)['\"])?$")


def remedy(extra: str) -> str:
    """Return the command that installs what an extra needs, into this environment."""
    if _is_installed(SLIM):
        return f"pip install '{SLIM}[{extra}]'"
    return f"pip install {FULL}" if extra in _OF_COMMAND else f"pip install '{FULL}[{extra}]'"


def missing_package(error: ModuleNotFoundError, extra: str) -> str | None:
    """Describe a package that is not installed; None if a module of Headcount is missing."""
    package = (error.name or "").partition(".")[0]
    if not package or package in _OWN:
        return None
    return f"the package {package} is not installed: {remedy(extra)}"


def exit_without(error: ModuleNotFoundError, extra: str) -> None:
    """End this process with one line if a package is missing; return if the error is another."""
    line = missing_package(error, extra)
    if line is not None:
        sys.stderr.write(f"headcount: {line}\n")
        sys.exit(PartError.exit_code)


def check_installed() -> None:
    """Check that everything is installed that the processes of a run import. PartError if not."""
    absent = [name for name in _required(_OF_COMMAND) if not _is_installed(name)]
    if absent:
        packages = f"package{'s' if len(absent) > 1 else ''} {', '.join(absent)}"
        verb = "are" if len(absent) > 1 else "is"
        raise PartError(f"the {packages} {verb} not installed: {remedy(COMMAND)}")


def _required(extras: Collection[str]) -> Iterator[str]:
    """Yield the distributions that the installed distribution's core and extras require."""
    name = SLIM if _is_installed(SLIM) else FULL
    lines = importlib.metadata.requires(name) if _is_installed(name) else None
    matches = filter(None, map(_REQUIREMENT.match, lines or ()))
    required = (match[1] for match in matches if match[2] is None or match[2] in extras)
    yield from dict.fromkeys(name for name in required if name not in {FULL, SLIM})


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
