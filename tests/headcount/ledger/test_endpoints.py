"""Endpoints: the requests of each event type, in few words however many paths there are."""

from pathlib import Path

import pyarrow.fs as pafs
import pytest

from headcount.ledger.endpoints import (
    FILE,
    MOST_PER_TYPE,
    MOST_TYPES,
    EndpointRecord,
    Endpoints,
    endpoint_texts,
    read_endpoints,
)


def recorded(*requests: tuple[str, str, str]) -> Endpoints:
    """Record requests."""
    record = EndpointRecord()
    for request in requests:
        record.add(*request)
    return record.endpoints


def test_hosts_and_queries_are_left_out() -> None:
    """Both may be secret; a name that the scenario gave stays."""
    endpoints = recorded(
        ("sword", "POST", "https://me:hush@shop.test/swords?token=hush"),
        ("sword", "POST", "/swords?token=hush"),
        ("sword", "PUT", "buy a sword"),
    )
    assert endpoint_texts([endpoints]) == {"sword": ("POST /swords", "PUT buy a sword")}


def test_paths_that_differ_in_a_part_are_one() -> None:
    """Up to three are named one by one; other methods and lengths are apart."""
    few = recorded(*(("buy", "GET", f"/items/{number}") for number in range(3)))
    assert endpoint_texts([few])["buy"] == ("GET /items/0", "GET /items/1", "GET /items/2")
    many = recorded(
        *(("buy", "GET", f"/items/{number}/buy") for number in range(9)),
        ("buy", "POST", "/items"),
    )
    assert endpoint_texts([many])["buy"] == ("GET /items/*/buy", "POST /items")


def test_those_of_all_generators_are_merged() -> None:
    """A request that several made is named once, and further ones are counted."""
    one = recorded(("a", "GET", "/x"), ("a", "PUT", "/x"), ("b", "GET", "/b"))
    other = recorded(("a", "GET", "/x"), ("a", "DELETE", "/x"), ("a", "POST", "/x"))
    texts = endpoint_texts([one, other])
    assert texts["a"] == ("DELETE /x", "GET /x", "POST /x", "and 1 more")
    assert texts["b"] == ("GET /b",)


def test_the_record_is_bounded() -> None:
    """However many event types and paths a scenario makes up."""
    endpoints = recorded(
        *(("a", "GET", f"/{number}") for number in range(2 * MOST_PER_TYPE)),
        *((f"type {number}", "GET", "/") for number in range(2 * MOST_TYPES)),
    )
    assert len(endpoints.by_type) == MOST_TYPES
    assert len(endpoints.by_type["a"]) == MOST_PER_TYPE


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Texts that UTF-8 cannot encode are replaced."""
    endpoints = recorded(("a\ud800", "GET", "/ü\ud800"))
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / FILE.name).write_bytes(FILE.dump(endpoints))
    read = read_endpoints(pafs.LocalFileSystem(), str(tmp_path), 0)
    assert read == endpoints == Endpoints({"a?": (("GET", "/ü?"),)})


@pytest.mark.parametrize("content", [None, b"", b'{"by_type": 1}', b'{"format": 9, "by_type": {}}'])
def test_an_unknown_file_names_nothing(tmp_path: Path, content: bytes | None) -> None:
    """Missing, damaged, or of a newer format."""
    (tmp_path / "0").mkdir()
    if content is not None:
        (tmp_path / "0" / FILE.name).write_bytes(content)
    assert read_endpoints(pafs.LocalFileSystem(), str(tmp_path), 0) == Endpoints()
