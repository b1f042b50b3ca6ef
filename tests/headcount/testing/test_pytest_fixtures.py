"""The fixtures where something is missing."""

import subprocess
import sys

import pytest

import headcount.testing
from headcount.errors import HeadcountError, PartError
from headcount.testing.pytest_fixtures import failing_in_one_line

LINE = "the package rich is not installed: pip install headcount"


@pytest.mark.parametrize("error", [ModuleNotFoundError(name="rich"), PartError(LINE)])
def test_what_is_missing(error: Exception) -> None:
    """The test fails in one line, without a traceback, that says what to install."""
    with pytest.raises(pytest.fail.Exception, match=f"^headcount: {LINE}$") as failed:
        fail_with(error)
    assert failed.value.pytrace is False
    assert failed.value.__suppress_context__ is True


@pytest.mark.parametrize("error", [ModuleNotFoundError(name="headcount.nowhere"), HeadcountError()])
def test_another_error(error: Exception) -> None:
    """A module of Headcount that is missing, say, is a bug, and keeps its traceback."""
    with pytest.raises(type(error)):
        fail_with(error)


def fail_with(error: Exception) -> None:
    """Raise an error where a fixture starts."""
    with failing_in_one_line():
        raise error


def test_any_pytest_can_load_them() -> None:
    """They import nothing of a part, so that no project's tests fail with headcount-slim."""
    program = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport headcount.testing.pytest_fixtures\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    assert set(done.stdout.split()) - sys.stdlib_module_names == {"headcount"}


def test_the_call_without_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    for name in ("headcount.testing.run_call", "headcount.stack.process"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(PartError, match=r"^the package psutil is not installed: pip install"):
        _ = headcount.testing.run


def test_an_unknown_name() -> None:
    """It is an ordinary AttributeError."""
    with pytest.raises(AttributeError, match="no attribute 'ran'"):
        _ = headcount.testing.ran
