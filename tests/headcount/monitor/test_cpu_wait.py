"""The wait for a CPU: a share of the time, and unknown where the kernel does not count it."""

import time
from pathlib import Path

import pytest

from headcount.monitor.cpu_wait import CpuWait


def test_the_share_is_that_of_the_time_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that waited 30 ms in 200 ms waited 15 % of the time; the next share is its own."""
    file = tmp_path / "schedstat"
    clock = iter((0, 200_000_000, 300_000_000))
    monkeypatch.setattr(time, "monotonic_ns", lambda: next(clock))
    file.write_text("900 5000000 7\n", encoding="ascii")
    wait = CpuWait(file)
    file.write_text("900 35000000 9\n", encoding="ascii")
    assert wait.percent() == 15.0
    assert wait.percent() == 0.0


@pytest.mark.parametrize("content", [None, "", "1 2", "a b c", "0 0 0\n"])
def test_what_is_not_counted_is_unknown(tmp_path: Path, content: str | None) -> None:
    """Without the file, with another one, and where the kernel only writes zeros."""
    file = tmp_path / "schedstat"
    if content is not None:
        file.write_text(content, encoding="ascii")
    wait = CpuWait(file)
    assert wait.percent() is None
