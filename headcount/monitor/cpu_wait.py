"""CPU wait: how long this process was ready to run while others had the CPUs. Linux counts it."""

import time
from pathlib import Path

SCHEDULING = Path("/proc/self/schedstat")
"""Time on a CPU and time ready without one, both in ns, and the number of turns on a CPU.

docs.kernel.org/scheduler/sched-stats.html describes it. This file is that of the main thread, which
runs all users.
"""


class CpuWait:
    """Measures the wait since the last call, as psutil measures the CPU load."""

    def __init__(self, scheduling: Path = SCHEDULING) -> None:
        self._scheduling = scheduling
        self._before = self._read()

    def percent(self) -> float | None:
        """Return the share of the time since the last call that was spent waiting, in percent.

        None if it is unknown.
        """
        (at_ns, waited_ns), self._before = self._before, self._read()
        now_ns, now_waited_ns = self._before
        if waited_ns is None or now_waited_ns is None or now_ns <= at_ns:
            return None
        return max(0.0, 100 * (now_waited_ns - waited_ns) / (now_ns - at_ns))

    def _read(self) -> tuple[int, int | None]:
        """Return the monotonic time, and the wait until then, both in ns."""
        try:
            _, waited_ns, _ = map(int, self._scheduling.read_text(encoding="ascii").split())
        except (OSError, ValueError):
            waited_ns = 0
        # If a process seems never to have waited, its kernel does not count the wait.
        return time.monotonic_ns(), waited_ns or None
