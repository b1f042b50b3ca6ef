"""The writer of ids: exactly the ids that readers accept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.run.id_form import GENERATOR_BITS, SEQ_BITS, IdForm, RunIds
from headcount.run.id_writer import id_writer
from headcount.run.ids import TAG_BITS, EventId, tag_of


def numbers(bits: int) -> st.SearchStrategy[int]:
    """Any number of so many bits, and often a small or a large one."""
    most = (1 << bits) - 1
    return st.one_of(st.integers(0, most), st.integers(0, 9), st.integers(most - 9, most))


@pytest.mark.parametrize("form", IdForm)
@given(numbers(TAG_BITS), numbers(GENERATOR_BITS), numbers(SEQ_BITS))
def test_it_writes_what_is_read(form: IdForm, tag_bits: int, generator: int, seq: int) -> None:
    """In each form, for every tag, generator and number."""
    ids = RunIds(tag_of(tag_bits), form)
    text = id_writer(ids, generator)(seq)
    assert text == ids.text(generator, seq)
    assert ids.parse(text) == EventId(ids.tag, generator, seq)
