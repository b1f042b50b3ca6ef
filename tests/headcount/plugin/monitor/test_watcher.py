"""The watcher: reads the reports of the topic watcher's process, and restarts it."""

import subprocess
import sys
from pathlib import Path

# Locust, which the package imports, patches the standard library of its process.
OUTPUTS_OF_TWO_PROCESSES = """
import sys
from pathlib import Path

from headcount.monitor.topic_counts import TopicCounts, dump
from headcount.plugin.monitor import watcher
from headcount.run.folder import RunFolder

first, second, third = (
    dump(TopicCounts(at_s, at_s, {"sword": 1}, 0, 0, {0: [(0, "1")]})) for at_s in (1, 2, 3)
)
outputs = [first + second[:30], third]

class DeadProcess:
    returncode = 1
    def __init__(self, _name, _argv, *, log_path, environ):
        with log_path.open("ab") as log:
            log.write(outputs.pop(0) if outputs else b"")
    def stop(self):
        pass

watcher.Process, watcher.FIRST_RESTART_S = DeadProcess, 0.0
folder = RunFolder(Path(sys.argv[1]) / "run-1")
folder.create()
watched = watcher.Watcher(folder)
print([counts.at_s for _ in range(4) for counts in watched.new_counts()])
watched.stop()
"""


def test_a_line_cut_off_by_death_spoils_no_later_one(tmp_path: Path) -> None:
    """The process dies while it writes a line; the next one's first report is read."""
    command = [sys.executable, "-c", OUTPUTS_OF_TWO_PROCESSES, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "[1.0, 3.0]", done.stderr
