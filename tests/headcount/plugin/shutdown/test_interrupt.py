"""Interrupts: handled where Python would handle them, but only between two steps."""

import subprocess
import sys

import pytest

# Locust, which the package imports, patches the standard library of its process.
INTERRUPTED = """
import signal
import gevent
from headcount.plugin.shutdown import interrupt

{before}
interrupt.listen()
signal.raise_signal(signal.SIGINT)
print("the step is done")
try:
    gevent.sleep(0.5)
    print("nothing came of it")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    ("before", "output"),
    [
        ("", "the step is done, interrupted"),
        ("signal.signal(signal.SIGINT, signal.SIG_IGN)", "the step is done, nothing came of it"),
        (
            "signal.signal(signal.SIGINT, lambda *_: print('taken'))",
            "taken, the step is done, nothing came of it",
        ),
    ],
    ids=["as ever", "ignored", "taken"],
)
def test_it_comes_after_the_step(before: str, output: str) -> None:
    """An interrupt ignored by a background shell, or handled by the scenario, stays so."""
    command = [sys.executable, "-c", INTERRUPTED.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert ", ".join(done.stdout.splitlines()) == output
