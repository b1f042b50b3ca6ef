"""The index of a history: the entry of each run, so that its verdict need not be read again.

`.history.jsonl` is beside the runs: a line with the format's number, then one line for each run
with the stamp of the verdict that its entry was made from. It is a cache. A line is used only if
its run still has a verdict with that stamp; all other verdicts are read again. A command that reads
the runs replaces the index by a complete new one. So several commands may do so at the same time:
the index that is written last remains.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.errors import HeadcountError
from headcount_analysis.history.entry import HistoryEntry, entry_of
from headcount_analysis.history.run_store import RunStore, Stamp

FORMAT = 2
"""The format of the index; an index of another format is rebuilt."""

_HEAD = b'{"headcount_history":%d}' % FORMAT


@validated(frozen=True, slots=True)
class IndexLine:
    """A line of the index."""

    stamp: Stamp
    entry: HistoryEntry


_LINE = TypeAdapter(IndexLine)


@dataclass(frozen=True, slots=True)
class PastRuns:
    """All runs of a store.

    `not_judged` are the ids of runs without a verdict. `unreadable` says, by run id, why a verdict
    could not be used. `read` counts the verdicts that had to be read. `why_no_index` says why the
    index could not be written; it is empty if it could.
    """

    entries: tuple[HistoryEntry, ...]
    not_judged: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    read: int = 0
    why_no_index: str = ""


def read_runs(store: RunStore) -> PastRuns:
    """Read the runs of a store, from its index where that is current. Raises OSError."""
    listing = store.listing()
    index = _read_index(store)
    current = {name: line for name, line in index.items() if listing.get(name) == line.stamp}
    stale = [name for name, stamp in listing.items() if stamp and name not in current]
    lines, unreadable = dict(current), dict[str, str]()
    for run_id, content in store.verdicts(stale):
        try:
            stamp = listing[run_id]
            assert stamp is not None
            lines[run_id] = IndexLine(stamp, _entry(run_id, content))
        except (HeadcountError, OSError, ValueError) as error:
            unreadable[run_id] = str(error)
    why_no_index = _write_index(store, lines) if lines != index else ""
    return PastRuns(
        entries=tuple(line.entry for line in lines.values()),
        not_judged=tuple(sorted(name for name, stamp in listing.items() if stamp is None)),
        unreadable=unreadable,
        read=len(stale),
        why_no_index=why_no_index,
    )


def dump(lines: Iterable[IndexLine]) -> bytes:
    """Return the content of an index."""
    return b"\n".join((_HEAD, *(_LINE.dump_json(line) for line in lines), b""))


def parse(content: bytes) -> dict[str, IndexLine]:
    """Return the valid lines of an index by run id; none if it has another format."""
    head, *rest = content.split(b"\n")
    if head != _HEAD:
        return {}
    return {line.entry.run_id: line for line in _lines(rest)}


def _lines(texts: Iterable[bytes]) -> Iterator[IndexLine]:
    for text in texts:
        try:
            yield _LINE.validate_json(text)
        except ValidationError:
            continue  # a damaged line: its run is read again


def _entry(run_id: str, content: bytes | OSError) -> HistoryEntry:
    if isinstance(content, OSError):
        raise content
    return entry_of(run_id, content.decode())


def _read_index(store: RunStore) -> dict[str, IndexLine]:
    try:
        return parse(store.read_index())
    except OSError:
        return {}  # the index is a link, or too large: it is replaced


def _write_index(store: RunStore, lines: Mapping[str, IndexLine]) -> str:
    """Write the index; return why it could not be written."""
    try:
        store.write_index(dump(lines.values()))
    except OSError as error:
        return error.strerror or str(error)
    return ""
