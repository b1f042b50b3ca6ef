"""Fixtures for delivery tests of one's own service; pytest loads them by itself.

What they need is imported when a test asks for it, because every pytest loads this module.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headcount.testing import RunVerdict
    from headcount.testing.stack import HeadcountStack


@pytest.fixture(scope="session")
def headcount_stack(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[HeadcountStack]":
    """A Kafka broker for the whole session; `new_topic()` makes a topic on it."""
    with failing_without_packages():
        from headcount.testing.stack import running_stack  # noqa: PLC0415

    with running_stack(tmp_path_factory.mktemp("headcount")) as stack:
        yield stack


@pytest.fixture
def headcount_run(
    headcount_stack: "HeadcountStack", tmp_path_factory: pytest.TempPathFactory
) -> "Callable[..., RunVerdict]":
    """Return `headcount.testing.run`, with the broker of the session and a temporary folder."""
    with failing_without_packages():
        from headcount.testing import run  # noqa: PLC0415

    reports = tmp_path_factory.mktemp("reports")
    servers = headcount_stack.bootstrap_servers
    return functools.partial(run, bootstrap_servers=servers, reports_dir=reports)


@contextlib.contextmanager
def failing_without_packages() -> Iterator[None]:
    """Fail in one line, without a traceback, if a package is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        from headcount.installation import COMMAND, missing_package  # noqa: PLC0415

        line = missing_package(error, COMMAND)
        if line is None:
            raise
        pytest.fail(f"headcount: {line}", pytrace=False)
