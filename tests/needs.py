"""What a test needs and pip cannot bring: without it the test is skipped, but for where CI runs."""

import os
from typing import NoReturn

import pytest

STRICT = "HEADCOUNT_TESTS_SKIP_NOTHING"


def lacking(reason: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be skipped."""
    if os.environ.get(STRICT):
        pytest.fail(f"{STRICT} is set, and {reason}")
    pytest.skip(reason)
