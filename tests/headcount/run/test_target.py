"""Targets: the same service and topic have the same name in every run."""

import pytest

from headcount.run.target import target_of


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000 → events"),
        ("http://127.0.0.1:45123", "http://127.0.0.1 → events"),
        ("http://[::1]:60000/", "http://[::1] → events"),
        ("http://orders.test:45123/v1", "http://orders.test:45123 → events"),
        ("https://me:secret@orders.test/v1?key=secret", "https://orders.test → events"),
        ("http://[::1", "not a URL → events"),
    ],
)
def test_the_target(host: str, target: str) -> None:
    """No secret, and no port that the system chose on the same machine."""
    assert target_of(host, "events") == target
