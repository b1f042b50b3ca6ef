"""The id's field: every valid name of an event's field is accepted, and no other."""

import pytest

from headcount.errors import UsageError
from headcount.run.id_field import check_id_field

GOOD = ["X-Event-Id", "request_id", "@id", "$id", "order.id", "größe", 'a"b', "a,b", "a b", "1"]
BAD = ["", " ", "id ", "a\nb", "a\x00", "\ud800", "x" * 101, "/request_headers/X-Event-Id"]


def test_names_that_can_be() -> None:
    """They are accepted unchanged."""
    assert list(map(check_id_field, GOOD)) == GOOD


@pytest.mark.parametrize("name", BAD)
def test_names_that_cannot_be(name: str) -> None:
    """They are refused on one line that names the option, before anything is sent."""
    with pytest.raises(UsageError, match="--event-id-field") as caught:
        check_id_field(name)
    assert "\n" not in str(caught.value)
