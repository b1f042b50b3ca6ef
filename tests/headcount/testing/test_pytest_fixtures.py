"""The fixtures where something is missing."""

import pytest

from headcount.testing.pytest_fixtures import failing_without_packages


def test_a_package_that_is_not_installed() -> None:
    """The test fails in one line, without a traceback, that says what to install."""
    line = r"^headcount: the package rich is not installed: pip install headcount$"
    with pytest.raises(pytest.fail.Exception, match=line) as failed, failing_without_packages():
        raise ModuleNotFoundError(name="rich")
    assert failed.value.pytrace is False


def test_a_module_of_headcount() -> None:
    """Its absence is a bug, and keeps its traceback."""
    with pytest.raises(ModuleNotFoundError), failing_without_packages():
        raise ModuleNotFoundError(name="headcount.nowhere")
