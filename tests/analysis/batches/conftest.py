"""What the tests of batches share."""

from collections.abc import Iterator

import pytest
from headcount_analysis.formats.schema_registry import schema_registry

from tests.analysis.formats.stub_registry import StubRegistry, stub_registry


@pytest.fixture(scope="module")
def registry() -> Iterator[StubRegistry]:
    """A registry for all tests of a module."""
    with stub_registry() as stub:
        yield stub
        schema_registry.cache_clear()
