"""Load progress: one line about a run in progress, from the monitor to the command."""

from pathlib import Path

import pytest

from headcount.monitor.display.load_progress import LoadProgress, ProgressFile
from headcount.monitor.live_stats import LiveStats
from headcount.monitor.progress import Ended, Progress
from headcount.monitor.topic_counts import TopicCounts


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (LoadProgress(65.6, 41.3, 0, 0, 0), "66/s · p99 41 ms · 0 failed · 0 missing"),
        (
            LoadProgress(12_345.6, 1_234.5, 1_000, 2, 3_456),
            "12,346/s · p99 1,234 ms · 1,000 failed · 2 indeterminate · 3,456 missing",
        ),
        (LoadProgress(1.26, 0.52, 0, 0, 0), "1.3/s · p99 0.5 ms · 0 failed · 0 missing"),
        (LoadProgress(None, None, 0, 0, None), "0 failed"),
        (
            LoadProgress(66, None, 0, 0, 7, "topic not watched since 12:03:10 UTC"),
            "66/s · 0 failed · topic not watched since 12:03:10 UTC",
        ),
    ],
)
def test_the_line(progress: LoadProgress, line: str) -> None:
    """Thousands are separated, and what is not known is left out, never shown as 0."""
    assert str(progress) == line


def test_the_file(tmp_path: Path) -> None:
    """What is written is read; before, and while it is being written, there is nothing."""
    file = ProgressFile(tmp_path / "progress.json")
    assert file.read() is None
    stats = LiveStats(0)
    ended = tuple(Ended(0, "sword", name, "", 2) for name in ("acked", "failed", "indeterminate"))
    stats.receive(Progress(0, {"sword": 6}, ended), 1)
    file.write(stats.snapshot(1), "")
    assert file.read() == LoadProgress(None, None, 2, 2, None)
    stats.receive_topic(TopicCounts(1, 1, {}, 0, 0))
    file.write(stats.snapshot(1), "")
    assert file.read() == LoadProgress(None, None, 2, 2, 0)
    file.path.write_bytes(file.path.read_bytes()[:-5])
    assert file.read() is None
    file.remove()
    file.remove()
    assert file.read() is None
