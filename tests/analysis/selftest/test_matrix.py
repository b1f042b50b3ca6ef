"""The matrix: what was reported wrongly stands off the diagonal, also where the sums come out."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.compare_run.classes import FLAGS
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
    """Makes matrices of runs with six attempts: sequence numbers 0 to 2 of generators 0 and 1."""
    return MakeMatrix(tmp_path)


class MakeMatrix:
    """Writes what a verification would leave, and reads the matrix of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        injected: Mapping[tuple[int, int], str],
        reported: Mapping[tuple[int, int], str | None],
        *,
        strangers: Mapping[str, str] | None = None,
        phantoms: tuple[str, ...] = (),
        messages: tuple[tuple[int, int, str], ...] = (),
        repeated: tuple[tuple[int, int], ...] = (),
    ) -> Matrix:
        """Report every attempt as delivered but those in `reported`; None leaves one out."""
        rows = []
        for place in [(g, s) for g in (0, 1) for s in (0, 1, 2)] + list(repeated):
            found = reported.get(place, CLEAN)
            if found is not None:
                fate, *flags = found.split(" + ")
                marks = {flag: flag in flags for flag in FLAGS}
                rows.append(
                    {"id": "", "generator": place[0], "seq": place[1], "fate": fate, **marks}
                )
        plain = dict.fromkeys(FLAGS, False)
        rows += [{"id": name, "fate": "phantom", **plain} for name in phantoms]
        pq.write_table(pa.Table.from_pylist(rows, FATES), self.folder / "fates")
        kinds = [{"partition": p, "offset": o, "kind": k} for p, o, k in messages]
        pq.write_table(pa.Table.from_pylist(kinds, ARRIVALS), self.folder / "arrivals")
        return read_matrix(
            Injected(Plan("selftest", "run", 6, {}), injected, strangers or {}),
            self.folder / "fates",
            self.folder / "arrivals",
        )


def test_right_reports_are_on_the_diagonal(matrix: MakeMatrix) -> None:
    """Attempts and strangers that are reported as they were injected."""
    found = matrix(
        {(0, 1): "lost", (1, 2): "delivered + late"},
        {(0, 1): "lost", (1, 2): "delivered + late"},
        strangers={"run.0.07": "phantom", "3:17": "foreign"},
        phantoms=("run.0.07",),
        messages=((3, 17, "foreign"), (0, 0, "claimed")),
    )

    assert found.is_diagonal
    assert found.cells == {
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
    """An attempt that is missed, misnamed or left out is found, and named."""
    found = matrix({(0, 1): "lost"}, reported)

    assert found.cells[cell] == 1
    assert not found.is_diagonal
    assert found.samples == (sample,)


def test_two_that_change_places_are_found(matrix: MakeMatrix) -> None:
    """The sums of the classes are the same; the ids are not."""
    found = matrix({(0, 1): "lost", (1, 1): "ghost"}, {(0, 1): "ghost", (1, 1): "lost"})

    assert found.cells["lost", "ghost"] == found.cells["ghost", "lost"] == 1


def test_an_attempt_with_two_rows_is_found(matrix: MakeMatrix) -> None:
    """An attempt has one fate."""
    found = matrix({}, {}, repeated=((1, 1),))

    assert found.cells[NOTHING, CLEAN] == 1


def test_strangers_that_are_missed_or_made_up_are_found(matrix: MakeMatrix) -> None:
    """One message is no other: a foreign one elsewhere is another one."""
    found = matrix(
        {},
        {},
        strangers={"3:17": "foreign", "run.0.07": "phantom"},
        phantoms=("run.9.9",),
        messages=((3, 18, "foreign"),),
    )

    assert found.cells == {
        (CLEAN, CLEAN): 6,
        ("foreign", NOTHING): 1,
        (NOTHING, "foreign"): 1,
        ("phantom", NOTHING): 1,
        (NOTHING, "phantom"): 1,
    }
