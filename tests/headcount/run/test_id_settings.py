"""Id settings: three options that fit together, or one line that names the one that does not."""

import pytest

from headcount.errors import UsageError
from headcount.run.id_form import IdForm
from headcount.run.id_location import IdLocation, LocationKind
from headcount.run.id_settings import (
    MOST_GENERATORS,
    MOST_SEQS,
    IdSettings,
    check_generator,
    check_seq_block,
    parse_id_settings,
)

IN_TRACE = IdLocation(LocationKind.TRACEPARENT, "")


def in_field(name: str) -> IdLocation:
    """A top-level field."""
    return IdLocation(LocationKind.FIELD, name)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("", "", ""), IdSettings()),
        (("plain", "", ""), IdSettings(IdForm.PLAIN, "X-Event-Id", in_field("X-Event-Id"))),
        (("uuid", "", ""), IdSettings(IdForm.UUID, "X-Event-Id", in_field("X-Event-Id"))),
        (("trace", "", ""), IdSettings(IdForm.TRACE, "traceparent", IN_TRACE)),
        (
            ("trace", "Traceparent", "header:trace"),
            IdSettings(IdForm.TRACE, "Traceparent", IdLocation(LocationKind.HEADER, "trace")),
        ),
        (
            ("trace", "X-B3-TraceId", ""),
            IdSettings(IdForm.TRACE, "X-B3-TraceId", in_field("X-B3-TraceId")),
        ),
        (
            ("uuid", "Idempotency-Key", "json:/payload/id"),
            IdSettings(
                *(IdForm.UUID, "Idempotency-Key"), IdLocation(LocationKind.JSON, "/payload/id")
            ),
        ),
        (
            ("plain", "X-Request-Id", "key"),
            IdSettings(IdForm.PLAIN, "X-Request-Id", IdLocation(LocationKind.KEY, "")),
        ),
    ],
)
def test_what_options_mean(options: tuple[str, str, str], settings: IdSettings) -> None:
    """Without a header it is the form's; without a location, where services carry the header."""
    assert parse_id_settings(*options) == settings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("hex", "", ""), "--id-form must be plain, uuid or trace, got 'hex'"),
        (("", "X Event", ""), "--id-header must be the name of an HTTP header, got 'X Event'"),
        (("", "Content-Length", ""), "--id-header must not be Content-Length"),
        (("", "cookie", ""), "--id-header must not be cookie"),
        (("uuid", "traceparent", ""), "--id-header traceparent takes a trace-id"),
        (("", "TraceParent", "key"), "--id-header TraceParent takes a trace-id"),
        (("plain", "", "traceparent"), "--id-at traceparent takes a trace-id"),
        (("", "", "/a/b"), "--id-at must be field:NAME"),
        (("", "", "field:/a"), "--id-at takes a JSON pointer as json:/a/b"),
        (("", "", "header:"), "--id-at must name where the id is"),
    ],
)
def test_options_that_do_not_fit(options: tuple[str, str, str], message: str) -> None:
    """They are refused on one line that names the option."""
    with pytest.raises(UsageError) as caught:
        parse_id_settings(*options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", [IdForm.UUID, IdForm.TRACE])
def test_how_many_ids_a_form_has_room_for(form: IdForm) -> None:
    """The last generator and request that fit are accepted, the next are refused."""
    check_generator(form, MOST_GENERATORS - 1)
    check_seq_block(form, MOST_SEQS)
    with pytest.raises(UsageError, match=f"--id-form {form} has room for 65,536 generators"):
        check_generator(form, MOST_GENERATORS)
    with pytest.raises(UsageError, match=f"--id-form {form} has room for 1,099,511,627,776 req"):
        check_seq_block(form, MOST_SEQS + 1)


def test_plain_ids_have_no_end() -> None:
    """Their numbers can have any size."""
    check_generator(IdForm.PLAIN, MOST_GENERATORS)
    check_seq_block(IdForm.PLAIN, MOST_SEQS + 1)
