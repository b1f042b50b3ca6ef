"""The segment buffer: the rows of the next segment, kept in the form in which they are written.

Converting tens of thousands of tuples to Arrow when a segment is written would block the
interpreter. Here each number goes straight into an array, and each text as its code, so that a
segment only wraps the arrays.
"""

from array import array
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from headcount.ledger.schema import SCHEMA, Row

_NOTHING = -1
"""Stands for null; no column that can be null has this value."""


class _Codes(dict[str | None, int]):
    """Texts, numbered in the order of their first occurrence; None has its own number."""

    def __init__(self) -> None:
        super().__init__()
        self[None] = _NOTHING

    def __missing__(self, text: str | None) -> int:
        code = self[text] = len(self) - 1
        return code

    def texts(self) -> pa.Array:
        return pa.array([text for text in self if text is not None], pa.string())


class _Texts:
    """A column with few distinct texts."""

    __slots__ = ("codes", "places")

    def __init__(self) -> None:
        self.codes, self.places = _Codes(), array("i")

    def add(self, text: str | None) -> None:
        self.places.append(self.codes[text])


class SegmentBuffer:
    """Rows of one segment, column by column, in the order in which they were added."""

    def __init__(self) -> None:
        self._seq, self._digest = array("q"), array("q")
        self._intended_at_ns, self._sent_at_ns = array("q"), array("q")
        self._answered_at_ns, self._http_status = array("q"), array("h")
        self._acked_partition, self._acked_offset = array("i"), array("q")
        self._ended_at_ns = array("q")
        self._event_type, self._scenario_user, self._shape = _Texts(), _Texts(), _Texts()
        self._outcome, self._error = _Texts(), _Texts()
        self._server, self._owner = _Texts(), _Texts()
        self._asked = _Texts()
        self._things, self._changes = _Texts(), array("q")
        self._changes_end, self._is_unchanged = array("i", [0]), array("b")

    def __len__(self) -> int:
        return len(self._seq)

    def add(  # noqa: PLR0917 - the fields of a row, in their order
        self,
        seq: int,
        event_type: str,
        scenario_user: str,
        shape: str,
        digest: int,
        intended_at_ns: int,
        sent_at_ns: int,
        answered_at_ns: int | None,
        http_status: int | None,
        outcome: str,
        error: str | None,
        acked_partition: int | None = None,
        acked_offset: int | None = None,
        server: str | None = None,
        owner: str | None = None,
        changes: Iterable[tuple[str, int]] | None = None,
        ended_at_ns: int | None = None,
        asked: str | None = None,
    ) -> None:
        """Add a row, whose fields are those of `Row`. Called for every request."""
        self._event_type.add(event_type)
        self._scenario_user.add(scenario_user)
        self._shape.add(shape)
        self._digest.append(digest)
        self._intended_at_ns.append(intended_at_ns)
        self._sent_at_ns.append(sent_at_ns)
        self._answered_at_ns.append(_NOTHING if answered_at_ns is None else answered_at_ns)
        self._http_status.append(_NOTHING if http_status is None else http_status)
        self._outcome.add(outcome)
        self._error.add(error)
        self._acked_partition.append(_NOTHING if acked_partition is None else acked_partition)
        self._acked_offset.append(_NOTHING if acked_offset is None else acked_offset)
        self._server.add(server)
        self._owner.add(owner)
        self._asked.add(asked)
        if changes is not None:
            for resource, change in changes:
                self._things.add(resource)
                self._changes.append(change)
        self._ended_at_ns.append(_NOTHING if ended_at_ns is None else ended_at_ns)
        self._changes_end.append(len(self._changes))
        self._is_unchanged.append(changes is None)
        self._seq.append(seq)

    def table(self) -> pa.Table:
        """Return the rows as the columns of `Row`, typed as in `SCHEMA`; add no row afterwards.

        The slow parts do not block the interpreter.
        """
        fields = [SCHEMA.field(name) for name in Row._fields]
        columns = [
            self._all_changes() if field.name == "changes" else self._column(field)
            for field in fields
        ]
        return pa.Table.from_arrays(columns, schema=pa.schema(fields))

    def _column(self, field: pa.Field) -> pa.Array:
        values = getattr(self, f"_{field.name}")
        if not isinstance(values, _Texts):
            return _numbers(values, field.type, nullable=field.nullable)
        places = _numbers(values.places, pa.int32(), nullable=field.nullable)
        return pa.DictionaryArray.from_arrays(places, values.codes.texts())

    def _all_changes(self) -> pa.Array:
        things = self._things.codes.texts().take(_wrapped(self._things.places, pa.int32()))
        changes = _wrapped(self._changes, pa.int64())
        ends = _wrapped(self._changes_end, pa.int32())
        is_null = pc.not_equal(_wrapped(self._is_unchanged, pa.int8()), pa.scalar(0, pa.int8()))
        return pa.MapArray.from_arrays(ends, things, changes, mask=is_null)


def _wrapped(values: "array[int]", kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _numbers(values: "array[int]", kind: pa.DataType, *, nullable: bool) -> pa.Array:
    numbers = _wrapped(values, kind)
    if not nullable:
        return numbers
    is_null = pc.equal(numbers, pa.scalar(_NOTHING, kind))
    return pc.if_else(is_null, pa.scalar(None, kind), numbers)
