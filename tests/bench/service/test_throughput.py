"""The `service` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_service(tmp_path: Path) -> None:
    """Both variants answer on both kinds of routes, always with a 2xx."""
    size = ("--rounds", "1", "--seconds", "4", "--connections", "4")
    _, document = bench(tmp_path, "service", *size)
    assert {(one_round["variant"], one_round["route"]) for one_round in document["rounds"]} == {
        (variant, route)
        for variant in ("off", "acknowledged")
        for route in ("stateless", "stateful")
    }
    assert all(
        one_round["acknowledged"] and not one_round["other"] for one_round in document["rounds"]
    )
