"""The locustfile of a command: its default, a check before anything starts, Locust's last error."""

import re
from collections.abc import Iterator
from pathlib import Path

import headcount
from headcount.errors import UsageError

GENERATOR = "headcount.locust_main"
"""The module that runs Locust with the plugin."""

DEFAULT = "mixed.py"

_URL = re.compile(r"https?://")
_ERROR_LINE = re.compile(r"(?:^|/ERROR/[\w.]+: )headcount: (.+)")


def default_locustfile() -> str:
    """Return the path of the game's mixed scenario: relative where that is shorter to read.

    It is inside the installed package, but beside the package in a checkout.
    """
    package = Path(headcount.__file__).parent
    path = next(
        folder / DEFAULT
        for folder in (package / "locustfiles", package.parent / "locustfiles")
        if (folder / DEFAULT).is_file()
    )
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def check_locustfiles(text: str) -> None:
    """Check that the locustfiles exist and compile. UsageError names the mistake.

    `text` names them as Locust's `-f` does: files or folders, separated by commas. Locust
    itself fetches and checks URLs.
    """
    for name in text.split(","):
        if not _URL.match(name.strip()):
            for path in _files(Path(name.strip())):
                _check(path)


def last_error(log_path: Path) -> str | None:
    """Return the last error that the plugin wrote to Locust's log; None if it wrote none."""
    try:
        lines = log_path.read_text(errors="replace").splitlines()
    except OSError:
        return None
    errors = [match[1] for match in map(_ERROR_LINE.search, lines) if match]
    return errors[-1] if errors else None


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    files = [module for module in sorted(path.rglob("*.py")) if not module.name.startswith("_")]
    if not files:
        raise UsageError(f"the folder {path} has no locustfile: add a file that ends in .py")
    yield from files


def _check(path: Path) -> None:
    try:
        compile(path.read_bytes(), str(path), "exec")
    except OSError as error:
        raise UsageError(f"cannot read the locustfile {path}: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        what = error.msg if isinstance(error, SyntaxError) else error
        raise UsageError(f"the locustfile {path} is not valid Python{where}: {what}") from None
