"""Closes the connections to registries that tests have opened."""

from collections.abc import Iterator

import pytest
from headcount_analysis.formats.schema_registry import schema_registry


@pytest.fixture(autouse=True)
def forget_registries() -> Iterator[None]:
    """Forget every registry after a test, so that its connection is closed."""
    yield
    schema_registry.cache_clear()
