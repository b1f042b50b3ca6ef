"""What an incomplete installation says: one line with the command that completes it, and code 5."""

import importlib.metadata
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from headcount import installation
from headcount.errors import PartError

SCENARIO = "from headcount.plugin import LedgerUser\n"


def called_without(package: str, module: str, *arguments: str, folder: Path) -> tuple[int, str]:
    """Run a module in a Python that cannot import a package; return exit code and output."""
    script = (
        f"import runpy, sys; sys.modules[{package!r}] = None; sys.argv[1:] = {arguments!r}\n"
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("package", "module", "arguments"),
    [
        ("click", "headcount", ("--help",)),
        ("rich", "headcount", ("verify", "a-run")),
        ("ddsketch", "headcount.locust_main", ("-f", "shop.py", "--list")),
        ("ddsketch", "locust", ("-f", "shop.py", "--list")),
    ],
    ids=["no command", "a command", "generator", "Locust"],
)
def test_a_missing_package(
    package: str, module: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """A command, the generator and Locust with the plugin name it, without a traceback."""
    (tmp_path / "shop.py").write_text(SCENARIO)
    code, text = called_without(package, module, *arguments, folder=tmp_path)
    line = f"headcount: the package {package} is not installed: pip install headcount\n"
    assert (code, text) == (5, line)


def test_a_missing_module_of_our_own() -> None:
    """It is a bug, which no installation mends."""
    error = ModuleNotFoundError(name="headcount.kafka.nowhere")
    assert installation.missing_package(error, "cli") is None


@pytest.mark.parametrize(
    ("is_slim", "command"),
    [(True, "pip install 'headcount-slim[load]'"), (False, "pip install headcount")],
    ids=["slim", "full"],
)
def test_the_remedy(is_slim: bool, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It completes the distribution that is installed."""
    installed({"headcount-slim"} if is_slim else {"headcount"}, monkeypatch)
    assert installation.remedy("load") == command


@pytest.mark.parametrize("distribution", ["headcount", "headcount-slim"])
def test_the_remedy_for_what_no_run_needs(
    distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An extra beside the parts of a run is named for both distributions."""
    installed({distribution}, monkeypatch)
    assert installation.remedy("metrics") == f"pip install '{distribution}[metrics]'"


def test_what_a_run_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every package of the parts is looked for before a run; those of other extras are not."""
    installation.check_installed()
    lines = ["headcount[cli]", "locust<3,>=2.47; extra == 'load'", 'flask; extra == "service"']
    lines += ["mypy>=1; extra == 'dev'", "psycopg[binary]>=3; extra == 'service'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: lines)
    installed({"headcount", "flask"}, monkeypatch)
    with pytest.raises(PartError, match=r"the packages locust, psycopg are not installed: pip "):
        installation.check_installed()


def installed(names: Collection[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only these distributions be installed."""

    def distribution(name: str) -> object:
        if name not in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return object()

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
