"""`headcount selftest` with the real parts."""

import re
from pathlib import Path

import pytest
from headcount_analysis.formats.catalogue import OWN
from headcount_analysis.selftest.combinations import combinations
from headcount_analysis.selftest.faults import CLEAN, EXPECTED

from tests.e2e.command import headcount

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_every_fault_is_reported_as_what_it_is(tmp_path: Path) -> None:
    """With each fault alone and all together, no count is off the diagonal."""
    done = headcount(tmp_path, "selftest", "--events", "1000", "--reports-dir", str(tmp_path))

    assert done.code == 0, done.out + done.err
    assert "every injected fault was reported correctly, and nothing else was reported" in done.out
    rows = re.findall(r"^ *(\d+) ([a-z][a-z+ ]+?) +((?:[\d,.]+ *)+)$", done.out, re.MULTILINE)
    assert {label for _, label, _ in rows} == {CLEAN, *EXPECTED.values()}
    for number, _, cells in rows:
        assert [place for place, cell in enumerate(cells.split(), 1) if cell != "."] == [
            int(number)
        ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OWN)
def test_every_place(name: str, tmp_path: Path, registry: str) -> None:
    """In each format, each form of ids and each place, no count is off the diagonal."""
    chosen = ("--every-place", "--format", name, "--schema-registry", registry)
    options = (*chosen, "--events", "20000", "--reports-dir", str(tmp_path))
    done = headcount(tmp_path, "selftest", *options)

    assert done.code == 0, done.out + done.err
    rows = re.findall(r"^\d+ (\S+).*, (\S+), (plain|uuid|trace) .* 0$", done.out, re.MULTILINE)
    styles = tuple(combinations(registry, name))
    assert rows == [(name, str(style.ids.location), style.ids.form) for style in styles]
