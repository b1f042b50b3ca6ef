"""Id columns: ids of many messages are read and written as one at a time would be."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from headcount_analysis.batches.batch_ids import ids_anywhere, ids_in_fields
from headcount_analysis.batches.id_columns import id_texts
from hypothesis import given
from hypothesis import strategies as st

from headcount.run.id_form import GENERATOR_BITS, SEQ_BITS, IdForm, RunIds
from headcount.run.ids import tag_of

TAG = tag_of(0x0123_4567_89AB)
FORMS = list(IdForm)
NUMBERS = st.lists(
    st.tuples(st.integers(0, (1 << GENERATOR_BITS) - 1), st.integers(0, (1 << SEQ_BITS) - 1)),
    min_size=1,
    max_size=20,
)
Numbers = Sequence[tuple[int, int]]


@pytest.mark.parametrize("form", FORMS)
@given(numbers=NUMBERS)
def test_texts_are_those_of_single_ids(form: IdForm, numbers: Numbers) -> None:
    """Written together, ids are the same as one by one."""
    ids = RunIds(TAG, form)
    generators, seqs = (
        pa.chunked_array([pa.array(column)]) for column in zip(*numbers, strict=True)
    )
    assert id_texts(ids, generators, seqs).to_pylist() == [ids.text(*number) for number in numbers]


@pytest.mark.parametrize("form", FORMS)
@given(numbers=NUMBERS)
def test_ids_in_json_are_found(form: IdForm, numbers: Numbers) -> None:
    """Each message's id is read, whatever is around it; other texts are not."""
    ids = RunIds(TAG, form)
    others = ["", "another", RunIds(tag_of(7), form).text(0, 1), ids.text(1, 2)[:-1] + "!"]
    texts = [*(ids.text(*number) for number in numbers), *others]
    values = pa.array([f'{{"x":1,"id": "{text}","y":2}}'.encode() for text in texts])
    batch = ids_in_fields(values, ids, ["id"])
    count = len(numbers)
    assert batch.is_there.tolist() == [True] * count + [False] * len(others)
    read = zip(batch.generator.tolist(), batch.seq.tolist(), strict=True)
    assert list(read)[:count] == list(numbers)
    (distinct,) = {*batch.masked([]).texts.dictionary.to_pylist()[:1]}
    assert b"#" in distinct


@pytest.mark.parametrize("form", [IdForm.UUID, IdForm.TRACE])
@given(numbers=NUMBERS, digit=st.integers(0, 30))
def test_a_changed_digit_is_left_to_the_reader_of_single_messages(
    form: IdForm, numbers: Numbers, digit: int
) -> None:
    """Only an exact id is read together with others."""
    ids = RunIds(TAG, form)
    text = ids.text(*numbers[0])
    place = len(ids.prefix) + digit % (len(text) - len(ids.prefix))
    changed = text[:place] + ("g" if text[place] != "-" else "0") + text[place + 1 :]
    values = pa.array([f'{{"id":"{changed}"}}'.encode(), f'{{"id":"{text.upper()}"}}'.encode()])
    batch = ids_in_fields(values, ids, ["id"])
    assert not batch.is_there[0]
    assert not batch.is_there[1] or text == text.upper()


@pytest.mark.parametrize("shift", [0, 1])
@given(numbers=NUMBERS)
def test_a_length_before_an_id_says_where_it_ends(shift: int, numbers: Numbers) -> None:
    """In Avro and Protobuf the byte after an id may be a digit, too."""
    ids = RunIds(TAG)
    texts = [ids.text(*number).encode() for number in numbers]
    values = pa.array([b"\0" + bytes([len(text) << shift]) + text + b"77" for text in texts])
    batch = ids_anywhere(values, ids, shift)
    assert batch.is_there.all()
    assert list(zip(batch.generator.tolist(), batch.seq.tolist(), strict=True)) == list(numbers)
    assert np.array_equal(batch.spans[1].end, batch.texts.ends - 2)
