"""The recorder's background work."""

import subprocess
import sys

# Locust, which the package imports, patches the standard library of its process.
FLUSH_UNDER_LOAD = """
from headcount.outcome import Outcome
from headcount.plugin.recorder import Recorder

class Writer:
    run_id, generator, location, written = "run-1", 0, "memory", []
    def reserve(self, count):
        return range(count)
    def write_table(self, rows):
        self.written.append(rows.num_rows)
        if len(self.written) < 20:
            answer()

def answer():
    attempt = recorder.begin({"event_type": "a"}, "a", "user")
    recorder.answered(attempt, Outcome.ACKED, 200)

recorder = Recorder(Writer(), print)
for _ in range(3):
    answer()
recorder._flush()
print(Writer.written)
"""


def test_a_flush_ends_while_answers_come() -> None:
    """What is answered while a segment is written waits for the next, lest there be thousands."""
    command = [sys.executable, "-c", FLUSH_UNDER_LOAD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[3]", done.stderr
