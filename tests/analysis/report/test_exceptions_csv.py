"""The exceptions: all are in the file, and some of each kind are on the page."""

import csv
import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from headcount_analysis.corrupted.table import DIFFERENCES
from headcount_analysis.report.exceptions_csv import write
from headcount_analysis.report.shown_exceptions import SHOWN_OF_A_KIND, Exceptions


def differences(folder: Path) -> Path:
    """Write the differences of two events; one of them is a sample with values."""
    rows = [
        {
            "generator": 0,
            "seq": 254,
            "corrupted_copies": 2,
            "corrupted_partition": 3,
            "corrupted_offset": 17,
            "fields": ["a", "/b/c"],
            "kinds": ["type", "missing"],
            "asked": ["1", "2"],
            "found": ['"1"', None],
        },
        {
            "generator": 0,
            "seq": 255,
            "corrupted_copies": 1,
            "corrupted_partition": 0,
            "corrupted_offset": 18,
            "fields": ["a"],
            "kinds": ["value"],
        },
        {"generator": 1, "seq": 255, "fields": ["wrong"], "kinds": ["value"]},
    ]
    path = folder / "differences.parquet"
    pq.write_table(pa.Table.from_pylist(rows, DIFFERENCES), path)
    return path


FLAGS = ("corrupted", "reordered", "late", "misplaced")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "event_type", "scenario_user", "outcome")),
        *((name, pa.string()) for name in ("error", "server", "fate")),
        *((name, pa.int32()) for name in ("generator", "http_status", "acked_partition")),
        *((name, pa.int64()) for name in ("seq", "acked_offset", "copies", "offset")),
        *((name, pa.int64()) for name in ("intended_at_ns", "sent_at_ns", "answered_at_ns")),
        ("broker_at_ms", pa.int64()),
        ("partition", pa.int32()),
        *((name, pa.bool_()) for name in ("copies_differ", *FLAGS)),
    ]
)


def fates(folder: Path, kinds: list[tuple[str | None, set[str]]]) -> Path:
    """Write fates with these classes and flags."""
    rows = [
        {
            "id": f"run-1.0.{seq}",
            "generator": 0,
            "seq": seq,
            "fate": fate,
            "copies": 1,
            "copies_differ": False,
            **{flag: flag in flags for flag in FLAGS},
        }
        for seq, (fate, flags) in enumerate(kinds)
    ]
    path = folder / "fates.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
    return path


def in_file(path: Path) -> int:
    """Count the rows of the file."""
    with path.open(newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def test_no_kind_crowds_out_another(tmp_path: Path) -> None:
    """The page has some of each kind, worst first; the counts and the file cover all."""
    many = SHOWN_OF_A_KIND + 50
    kinds: list[tuple[str | None, set[str]]] = [("delivered", set()), ("refused", set())]
    kinds += [("recovered", set())] * many + [("lost", set())] * 2
    kinds += [("delivered", {"late", "corrupted"})] * many + [(None, set())]
    target = tmp_path / "exceptions.csv"

    exceptional = write(fates(tmp_path, kinds), target, differences(tmp_path))

    assert list(exceptional.counts.items()) == [
        ("lost", 2),
        ("delivered + corrupted + late", many),
        ("unclassed", 1),
        ("recovered", many),
    ]
    assert list(exceptional.by_name.items()) == [
        ("lost", 2),
        ("corrupted", many),
        ("unclassed", 1),
        ("late", many),
        ("recovered", many),
    ]
    assert exceptional.count == in_file(target) == 2 * many + 3
    with target.open(encoding="utf-8", newline="") as file:
        named = [row for row in csv.DictReader(file) if row["differing_fields"]]
    columns = (
        *("id", "corrupted_copies", "corrupted_partition", "corrupted_offset"),
        *("differing_fields", "difference_kinds", "differences"),
    )
    asked = 'a: asked for 1, found "1"; /b/c: asked for 2, but missing'
    assert [tuple(row[name] for name in columns) for row in named] == [
        ("run-1.0.254", "2", "3", "17", "a; /b/c", "type; missing", asked),
        ("run-1.0.255", "1", "0", "18", "a", "value", ""),
    ]
    assert len(exceptional.shown) == 2 * SHOWN_OF_A_KIND + 3
    recovered = exceptional.shown[exceptional.shown["class"] == "recovered"]
    seqs = [int(event_id.rsplit(".", 1)[1]) for event_id in recovered["id"]]
    assert (len(seqs), seqs[0], seqs[-1]) == (SHOWN_OF_A_KIND, 2, 1 + many)
    steps = [later - one for one, later in itertools.pairwise(seqs)]
    assert set(steps) == {1, 2}, "they are spread evenly"


def test_batches_are_counted_as_one(tmp_path: Path) -> None:
    """The number of rows shown does not grow with the number of batches read."""
    many = 120_000
    exceptional = write(fates(tmp_path, [("lost", set())] * many), tmp_path / "exceptions.csv")
    assert (exceptional.count, len(exceptional.shown)) == (many, SHOWN_OF_A_KIND)


def test_without_fates_there_are_none(tmp_path: Path) -> None:
    """The file exists nevertheless."""
    target = tmp_path / "exceptions.csv"
    exceptional = write(None, target)
    assert (exceptional.count, len(exceptional.shown), in_file(target)) == (0, 0, 0)
    assert Exceptions().count == 0
