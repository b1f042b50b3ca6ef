"""Message differences: compares each corrupted message with its request, field by field.

An executor reads a part of the topic again. The differences of a message are remembered, and hold
for every message with the same request that differs from it only in its id.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_form import RunIds
from headcount_analysis.corrupted.exchange import GROUP_ROWS, FileRows, write_sorted
from headcount_analysis.messages.field_differences import Difference, DifferenceKind, differences
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record, records_of

MESSAGE_DIFFERENCES = pa.schema(
    [
        ("generator", pa.int32()),
        ("seq", pa.int64()),
        ("timestamp_ms", pa.int64()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("differences", pa.string()),
    ]
)
"""A row for each corrupted message that was compared; `differences` is written by `dumped`."""

Decode = Callable[[Record], ParsedMessage]

_WINDOW = 30_000
"""How many offsets ahead the requests are read."""

_MOST_REMEMBERED_BYTES = 32 << 20


def dumped(fields: tuple[Difference, ...]) -> str:
    """Write the differences of a message as a short text."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def loaded(text: str) -> tuple[Difference, ...]:
    """Read what `dumped` wrote."""
    return tuple(
        Difference(name, DifferenceKind(kind), *values) for name, kind, *values in json.loads(text)
    )


@dataclass(frozen=True, slots=True)
class SplitComparer:
    """Compares the corrupted messages of a split in an executor, and writes what differs.

    `copies` are rows of `copies.COPIES`. `decode` must depend on a record's value and headers only.
    """

    ids: RunIds
    copies: FileRows
    place: str
    decode: Decode

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> tuple[str, ...]:
        """Write the MESSAGE_DIFFERENCES of a split; return the names of its files. OSError."""
        requests, comparer = _Requests(self.copies), _MessageComparer(self)
        files: list[str] = []
        waiting: list[pa.Table] = []
        for batch in batches:
            waiting += [
                comparer.rows(messages, requests.of(messages)) for messages in _by_partition(batch)
            ]
            if sum(map(len, waiting)) >= GROUP_ROWS:
                files.append(self._write(waiting))
                waiting = []
        if any(map(len, waiting)):
            files.append(self._write(waiting))
        return tuple(files)

    def _write(self, tables: list[pa.Table]) -> str:
        return write_sorted(self.place, pa.concat_tables(tables), ("seq",))


def _by_partition(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    partitions = pc.unique(batch["partition"])
    for partition in partitions:
        is_alone = len(partitions) == 1
        yield batch if is_alone else batch.filter(pc.equal(batch["partition"], partition))


@dataclass(slots=True)
class _Requests:
    """The requests of corrupted messages, read a window of offsets at a time."""

    copies: FileRows
    _partition: int = -1
    _start: int = 0
    _end: int = 0
    _rows: pa.Table | None = None

    def of(self, messages: pa.RecordBatch) -> pa.Table:
        """Return the requests of a partition's messages, with the `row` of each in the batch."""
        offsets = messages["offset"].to_numpy()
        rows = self._window(messages["partition"][0].as_py(), offsets.min(), offsets.max() + 1)
        order = np.argsort(offsets)
        place = np.searchsorted(offsets, rows["offset"].to_numpy(), sorter=order)
        row = order[np.minimum(place, len(order) - 1)]
        is_here = offsets[row] == rows["offset"].to_numpy()
        return rows.append_column("row", pa.array(row)).filter(pa.array(is_here))

    def _window(self, partition: int, first: int, end: int) -> pa.Table:
        is_read = partition == self._partition and self._start <= first and end <= self._end
        if self._rows is None or not is_read:
            self._partition, self._start = partition, int(first)
            self._end = max(int(end), int(first) + _WINDOW)
            self._rows = self.copies.read(
                (pc.field("partition") == partition)
                & (pc.field("offset") >= self._start)
                & (pc.field("offset") < self._end)
            )
        return self._rows


@dataclass(slots=True)
class _MessageComparer:
    """Compares messages, and remembers the differences of those that are alike."""

    settings: SplitComparer
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)
    _known_bytes: int = 0

    def rows(self, messages: pa.RecordBatch, requests: pa.Table) -> pa.Table:
        """Return the MESSAGE_DIFFERENCES of the messages that have a request."""
        chosen = messages.take(requests["row"].combine_chunks())
        columns = [requests[name].to_pylist() for name in ("generator", "seq", "asked", "shape")]
        texts = [
            self._compared(record, *request)
            for record, *request in zip(records_of(chosen), *columns, strict=True)
        ]
        ends = {"timestamp_ms": chosen["timestamp_ms"], "differences": pa.array(texts, pa.string())}
        return pa.Table.from_arrays(
            [ends[name] if name in ends else requests[name] for name in MESSAGE_DIFFERENCES.names],
            schema=MESSAGE_DIFFERENCES,
        )

    def _compared(
        self, record: Record, generator: int, seq: int, asked: str | None, shape: str
    ) -> str:
        identity = self.settings.ids.text(generator, seq)
        value = None if record.value is None else record.value.replace(identity.encode(), b"\0")
        key = (value, record.headers, asked, shape)
        text = self._known.get(key)
        if text is None:
            text = dumped(differences(asked, shape, self.settings.decode(record)))
            # Differences that quote the id apply to this message only, so they are not remembered.
            if self.settings.ids.prefix not in text:
                self._remember(key, text, len(value or b""))
        return text

    def _remember(self, key: tuple[object, ...], text: str, size: int) -> None:
        if self._known_bytes > _MOST_REMEMBERED_BYTES:
            self._known.clear()
            self._known_bytes = 0
        self._known[key] = text
        self._known_bytes += size + len(text)
