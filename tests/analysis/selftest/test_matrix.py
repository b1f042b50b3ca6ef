"""The matrix: wrong reports are off the diagonal, even if the sums are right."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.classes_and_flags import FLAGS
from headcount_analysis.selftest.faults import CLEAN
from headcount_analysis.selftest.matrix import NOTHING, Injected, Matrix, read_matrix
from headcount_analysis.selftest.plan import Plan

FATES = pa.schema(
    [
        ("id", pa.string()),
        ("generator", pa.int32()),
        ("seq", pa.int64()),
        ("fate", pa.string()),
        ("corrupted", pa.bool_()),
        ("reordered", pa.bool_()),
        ("late", pa.bool_()),
        ("misplaced", pa.bool_()),
    ]
)
ARRIVALS = pa.schema([("partition", pa.int32()), ("offset", pa.int64()), ("kind", pa.string())])

Fates = dict[tuple[int, int], str | None]


@pytest.fixture
def matrix(tmp_path: Path) -> "MakeMatrix":
    """Return a factory of matrices of six attempts: sequence numbers 0 to 2 of two generators."""
    return MakeMatrix(tmp_path)


class MakeMatrix:
    """Writes the tables of a verification, and reads their matrix."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        injected: Mapping[tuple[int, int], str],
        reported: Mapping[tuple[int, int], str | None],
        *,
        unowned: Mapping[str, str] | None = None,
        phantoms: tuple[str, ...] = (),
        messages: tuple[tuple[int, int, str], ...] = (),
        repeated: tuple[tuple[int, int], ...] = (),
    ) -> Matrix:
        """Report all attempts as delivered except those in `reported`; None leaves one out."""
        rows = []
        for generator, seq in [(g, s) for g in (0, 1) for s in (0, 1, 2)] + list(repeated):
            label = reported.get((generator, seq), CLEAN)
            if label is not None:
                fate, *flags = label.split(" + ")
                marks = {flag: flag in flags for flag in FLAGS}
                rows.append({"id": "", "generator": generator, "seq": seq, "fate": fate, **marks})
        plain = dict.fromkeys(FLAGS, False)
        rows += [{"id": name, "fate": "phantom", **plain} for name in phantoms]
        pq.write_table(pa.Table.from_pylist(rows, FATES), self.folder / "fates")
        kinds = [{"partition": p, "offset": o, "kind": k} for p, o, k in messages]
        pq.write_table(pa.Table.from_pylist(kinds, ARRIVALS), self.folder / "arrivals")
        return read_matrix(
            Injected(Plan("selftest", "run", 6, {}), injected, unowned or {}),
            self.folder / "fates",
            self.folder / "arrivals",
        )


def test_right_reports_are_on_the_diagonal(matrix: MakeMatrix) -> None:
    """Attempts and unowned messages are reported as they were injected."""
    confusion = matrix(
        {(0, 1): "lost", (1, 2): "delivered + late"},
        {(0, 1): "lost", (1, 2): "delivered + late"},
        unowned={"run.0.07": "phantom", "3:17": "foreign"},
        phantoms=("run.0.07",),
        messages=((3, 17, "foreign"), (0, 0, "claimed")),
    )

    assert confusion.is_diagonal
    assert confusion.cells == {
        (CLEAN, CLEAN): 4,
        ("lost", "lost"): 1,
        ("delivered + late", "delivered + late"): 1,
        ("phantom", "phantom"): 1,
        ("foreign", "foreign"): 1,
    }


@pytest.mark.parametrize(
    ("reported", "cell", "sample"),
    [
        ({}, ("lost", CLEAN), "run.0.1: injected lost, reported delivered"),
        ({(0, 1): "absent"}, ("lost", "absent"), "run.0.1: injected lost, reported absent"),
        ({(0, 1): None}, ("lost", NOTHING), f"run.0.1: injected lost, reported {NOTHING}"),
        (
            {(0, 1): "lost", (0, 0): "delivered + late"},
            (CLEAN, "delivered + late"),
            "run.0.0: injected delivered, reported delivered + late",
        ),
        (
            {(0, 1): "lost", (1, 0): None},
            (CLEAN, NOTHING),
            f"run.1.0: injected delivered, reported {NOTHING}",
        ),
    ],
)
def test_wrong_reports_are_off_the_diagonal(
    matrix: MakeMatrix, reported: Fates, cell: tuple[str, str], sample: str
) -> None:
    """An attempt that is missed, misclassified or left out is detected and named."""
    confusion = matrix({(0, 1): "lost"}, reported)

    assert confusion.cells[cell] == 1
    assert not confusion.is_diagonal
    assert confusion.samples == (sample,)


def test_two_attempts_with_each_others_class_are_detected(matrix: MakeMatrix) -> None:
    """The sums of the classes are right, but the ids are not."""
    confusion = matrix({(0, 1): "lost", (1, 1): "ghost"}, {(0, 1): "ghost", (1, 1): "lost"})

    assert confusion.cells["lost", "ghost"] == confusion.cells["ghost", "lost"] == 1


def test_an_attempt_with_two_rows_is_detected(matrix: MakeMatrix) -> None:
    """An attempt has only one class."""
    confusion = matrix({}, {}, repeated=((1, 1),))

    assert confusion.cells[NOTHING, CLEAN] == 1


def test_unowned_messages_that_are_missed_or_made_up_are_detected(matrix: MakeMatrix) -> None:
    """A foreign message at another offset is another message."""
    confusion = matrix(
        {},
        {},
        unowned={"3:17": "foreign", "run.0.07": "phantom"},
        phantoms=("run.9.9",),
        messages=((3, 18, "foreign"),),
    )

    assert confusion.cells == {
        (CLEAN, CLEAN): 6,
        ("foreign", NOTHING): 1,
        (NOTHING, "foreign"): 1,
        ("phantom", NOTHING): 1,
        (NOTHING, "phantom"): 1,
    }
