"""Pytest fixtures for a project's own delivery tests; pytest finds them by itself.

Every pytest session loads this module, even if only a part of Headcount's packages is installed. So
what a fixture needs is imported only when a test asks for the fixture.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from headcount.errors import PartError
from headcount.installation import COMMAND, missing_package
from headcount.testing.kafka_warnings import without_kafka_warnings

if TYPE_CHECKING:
    from headcount.testing import RunVerdict
    from headcount.testing.stack import HeadcountStack


@pytest.fixture(scope="session")
def headcount_stack(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[HeadcountStack]":
    """A Kafka broker for the whole session; `new_topic()` makes a topic on it."""
    with contextlib.ExitStack() as parts:
        with failing_in_one_line(), without_kafka_warnings():
            from headcount.testing.stack import running_stack  # noqa: PLC0415

            stack = parts.enter_context(running_stack(tmp_path_factory.mktemp("headcount")))
        yield stack


@pytest.fixture
def headcount_run(
    headcount_stack: "HeadcountStack", tmp_path_factory: pytest.TempPathFactory
) -> "Callable[..., RunVerdict]":
    """Return `headcount.testing.run`, with the broker of the session and a temporary folder."""
    from headcount.testing import run  # noqa: PLC0415

    reports = tmp_path_factory.mktemp("reports")
    servers = headcount_stack.bootstrap_servers
    return functools.partial(run, bootstrap_servers=servers, reports_dir=reports)


@contextlib.contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Fail without a traceback if a package is not installed or a part does not start."""
    try:
        yield
    except PartError as error:
        line = str(error)
    except ModuleNotFoundError as error:
        line = missing_package(error, COMMAND) or ""
        if not line:
            raise
    else:
        return
    # Without `from None`, pytest prints the traceback of the error.
    raise pytest.fail.Exception(f"headcount: {line}", pytrace=False) from None
