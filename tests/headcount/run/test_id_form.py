"""Id forms: one to one, recognized exactly, and never another run's."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.run.id_form import GENERATOR_BITS, SEQ_BITS, IdForm, RunIds
from headcount.run.ids import EventId, bits_of, new_tag, tag_of

TAG = tag_of(0x0123_4567_89AB)
FORMS = list(IdForm)
NUMBERS = st.tuples(st.integers(0, (1 << GENERATOR_BITS) - 1), st.integers(0, (1 << SEQ_BITS) - 1))


@pytest.mark.parametrize("form", FORMS)
@given(numbers=NUMBERS, tag=st.integers(0, (1 << 48) - 1).map(tag_of))
def test_what_is_written_is_read(form: IdForm, tag: str, numbers: tuple[int, int]) -> None:
    """An id has the run's prefix, is parsed, and is found in bytes around it."""
    ids = RunIds(tag, form)
    text = ids.text(*numbers)
    expected = EventId(tag, *numbers)
    assert text.startswith(ids.prefix)
    assert ids.parse(text) == expected
    assert ids.claims(text)
    assert list(ids.found_in(f'{{"id": "{text}"}}'.encode())) == [expected]


@given(numbers=NUMBERS)
def test_a_uuid_is_valid(numbers: tuple[int, int]) -> None:
    """Any library takes it for a UUID of version 8 of RFC 9562."""
    text = RunIds(TAG, IdForm.UUID).text(*numbers)
    parsed = uuid.UUID(text)
    assert (str(parsed), parsed.version, parsed.variant) == (text, 8, uuid.RFC_4122)


@pytest.mark.parametrize("form", [IdForm.UUID, IdForm.TRACE])
@given(numbers=NUMBERS)
def test_as_bytes_and_in_capitals(form: IdForm, numbers: tuple[int, int]) -> None:
    """A service may keep the 16 bytes, and a database may print capitals."""
    ids = RunIds(TAG, form)
    text = ids.text(*numbers)
    expected = EventId(TAG, *numbers)
    raw = bytes.fromhex(text.replace("-", ""))
    assert list(ids.found_in(b"\x00" + raw + b"\x07")) == [expected]
    assert ids.parse(text.upper()) == expected
    assert ids.claims(text.upper())


@pytest.mark.parametrize("form", [IdForm.UUID, IdForm.TRACE])
@given(numbers=NUMBERS, place=st.integers(0, 31), step=st.integers(1, 15))
def test_a_changed_digit_is_no_id(
    form: IdForm, numbers: tuple[int, int], place: int, step: int
) -> None:
    """The check and the fixed bits tell an altered id from another one of the run."""
    ids = RunIds(TAG, form)
    text = ids.text(*numbers)
    digits = [at for at, letter in enumerate(text) if letter != "-"]
    at = digits[place]
    changed = text[:at] + f"{(int(text[at], 16) + step) % 16:x}" + text[at + 1 :]
    parsed = ids.parse(changed)
    # The checks have 18 and 24 bits, so one in that many altered ids goes unnoticed.
    assert parsed is None or parsed != EventId(TAG, *numbers)
    assert ids.claims(changed) == (place >= 12)


@pytest.mark.parametrize("form", FORMS)
def test_another_run_s_ids(form: IdForm) -> None:
    """They neither parse nor claim the run; nor does what only resembles an id."""
    ids = RunIds(TAG, form)
    other = RunIds(new_tag(), form).text(0, 7)
    own = ids.text(0, 7)
    for text in (other, "", "x", f"x{own}", f"{own}z", own[:-1] + "."):
        assert ids.parse(text) is None
    assert not ids.claims(other)
    assert not ids.is_in(f"<{other}> {own[:-1]}".encode())
    assert not ids.is_in(None)
    assert ids.is_in(f"<{own}>".encode())


def test_a_prefix_in_a_host_name_claims_nothing() -> None:
    """A tag that was given as a word, before tags were drawn, may begin a host name."""
    assert not RunIds("staging").claims("staging.example.com")
    assert RunIds("staging").claims("staging.0.7.8")


def test_a_tag_is_decoded() -> None:
    """Tags are one to one; a run id is no tag."""
    assert bits_of(TAG) == 0x0123_4567_89AB
    with pytest.raises(ValueError, match="not the tag"):
        bits_of("0")


def test_a_plain_id_in_another_format() -> None:
    """It is whole if its length precedes it, and not if it is a part of a longer word."""
    ids = RunIds(TAG)
    own = ids.text(3, 7)
    for before in (2 * len(own), len(own)):
        assert list(ids.found_in(bytes([before]) + own.encode() + b"5x")) == [EventId(TAG, 3, 7)]
    assert not ids.is_in(f"z{own} {own}z 9{own}".encode())
    assert ids.occurs_in(f"z{own}".encode())
    assert not ids.occurs_in(f"https://{TAG}.example.com/".encode())
