"""Probe ids: each header of a request has its own ids, so that a message shows which it has."""

import pytest

from headcount.run.id_form import IdForm
from headcount.run.ids import new_tag
from headcount.run.probe_ids import USUAL, probe_ids


def test_the_first_header_is_that_of_a_run() -> None:
    """It has the tag itself, and so is the id of the ledger; then come the usual headers."""
    tag = new_tag()
    first, *others = probe_ids(tag, IdForm.PLAIN, "X-Event-Id")
    assert (first.header, first.ids.tag, first.ids.form) == ("X-Event-Id", tag, IdForm.PLAIN)
    assert {header_ids.header: header_ids.ids.form for header_ids in others} == dict(
        list(USUAL.items())[1:]
    )


@pytest.mark.parametrize("name", ["X-Token", "x-request-id", "traceparent"])
def test_a_named_header_is_sent_once(name: str) -> None:
    """However it is spelled."""
    form = IdForm.TRACE if name == "traceparent" else IdForm.UUID
    names = [header_ids.header.lower() for header_ids in probe_ids(new_tag(), form, name)]
    assert names[0] == name.lower()
    assert len(set(names)) == len(names)
    assert set(names) >= {usual.lower() for usual in USUAL}


@pytest.mark.parametrize("tag", ["0000000000", "7zzzzzzzzz"])
def test_no_header_has_the_ids_of_another(tag: str) -> None:
    """Also at the end of the range of tags."""
    headers = probe_ids(tag, IdForm.PLAIN, "X-Event-Id")
    for one in headers:
        content = one.ids.text(0, 5).encode()
        owners = [header_ids.header for header_ids in headers if header_ids.ids.is_in(content)]
        assert owners == [one.header]
