"""The health sampler: a blocked process shows as lag, and the last sample is written."""

import json
import subprocess
import sys
from typing import Any

import pytest

from headcount.monitor.cpu_wait import CpuWait

# Locust, which the package imports, patches the standard library of its process.
SAMPLED = """
import dataclasses, json, time
import gevent, gevent.monkey
from headcount.plugin.monitor import health_sampler as health

health.SAMPLE_EVERY_S, health.WRITE_EVERY = 0.2, 1
block = gevent.monkey.get_original("time", "sleep")

class Recorder:
    now_ns, in_flight, attempted, dropped = 1, 2, 3, 4
    written, broken = [], {broken}
    pool = None
    def write_health(self, history):
        self.written.append(history)
        if self.broken:
            raise OSError("no space left on device")

class Pool:
    late_ns = [{late_ns}]
    def take_lag_ns(self):
        return self.late_ns.pop() if self.late_ns else 0

recorder = Recorder()
if {late_ns}:
    Recorder.pool = Pool()
sampler = health.HealthSampler(recorder, lambda: 7)
gevent.sleep(0.05)
block({block_s})
deadline = time.monotonic() + 30
while len(recorder.written) < 2 and time.monotonic() < deadline:
    gevent.sleep(0.01)
recorder.dropped = 5
sampler.stop()
count = len(recorder.written)
sampler.stop()
assert len(recorder.written) == count
print(json.dumps([dataclasses.asdict(sample) for sample in recorder.written[-1].samples]))
"""


def sampled(
    block_s: float, *, late_ns: int = 0, broken: bool = False
) -> tuple[list[dict[str, Any]], str]:
    """Sample a process that blocks once; return the last samples and the log."""
    program = SAMPLED.replace("{block_s}", str(block_s)).replace("{broken}", str(broken))
    program = program.replace("{late_ns}", str(late_ns))
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    samples: list[dict[str, Any]] = json.loads(done.stdout)
    return samples, done.stderr


def test_blocking_shows_as_lag() -> None:
    """In the sample of that interval, along with the recorder's counts."""
    samples, _ = sampled(0.5)
    assert max(sample["schedule_lag_ms"] for sample in samples) > 400
    if CpuWait().percent() is not None:
        assert all(sample["waited_percent"] is not None for sample in samples)
    assert {(sample["in_flight"], sample["attempted"], sample["users"]) for sample in samples} == {
        (2, 3, 7)
    }


def test_the_last_sample_is_written() -> None:
    """Arrivals dropped after the previous sample count, however short the interval is."""
    samples, _ = sampled(0.0)
    assert [sample["dropped"] for sample in samples] == [*([4] * (len(samples) - 1)), 5]


def test_queued_arrivals_show_as_lag() -> None:
    """Arrivals that start late show in the sample, even if no timer was late."""
    samples, _ = sampled(0.0, late_ns=3_600_000_000_000)
    lags_ms = [sample["schedule_lag_ms"] for sample in samples]
    assert lags_ms[0] == 3_600_000
    assert max(lags_ms[1:]) < 3_600_000


@pytest.mark.parametrize("broken", [True, False])
def test_a_failing_file_does_not_end_the_run(*, broken: bool) -> None:
    """It is logged once."""
    _, logged = sampled(0.0, broken=broken)
    assert logged.count("the generator's health cannot be written") == int(broken)
