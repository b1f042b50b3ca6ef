"""Requirements that pip cannot install: without them, tests are skipped, or fail in CI."""

import os
from typing import NoReturn

import pytest

STRICT = "HEADCOUNT_TESTS_SKIP_NOTHING"


def lacking(reason: str) -> NoReturn:
    """Skip the test, or fail it if STRICT is set."""
    if os.environ.get(STRICT):
        pytest.fail(f"{STRICT} is set, and {reason}")
    pytest.skip(reason)
