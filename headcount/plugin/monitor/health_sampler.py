"""The health sampler: measures how busy the generator is, without instrumenting its requests.

A timer asks to be woken every 10 ms; its lateness shows how long the process was busy with other
work. That costs a hundred short wake-ups per second, and nothing per request. With `--rate`,
arrivals may queue although no timer is late, so their lag counts as well.
"""

import logging
import time
from collections.abc import Callable

import gevent
import psutil

from headcount.ledger.generator_health import History, Sample
from headcount.monitor.cpu_wait import CpuWait
from headcount.plugin.attempts.recorder import Recorder

SAMPLE_EVERY_S = 1.0
WRITE_EVERY = 5
"""The file is rewritten after this many samples."""

_WAKE_EVERY_S = 0.01
_log = logging.getLogger(__name__)


class HealthSampler:
    """Samples one generator's health until it is stopped, and writes it into the ledger.

    `count_users` returns how many users the generator has.
    """

    def __init__(self, recorder: Recorder, count_users: Callable[[], int]) -> None:
        self._recorder = recorder
        self._count_users = count_users
        self._history = History()
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first calls only start the measurements
        psutil.cpu_percent()
        self._cpu_wait = CpuWait()
        self._lag_s = 0.0
        self._taken_s = time.monotonic()
        self._is_logged = False
        self._sampler = gevent.spawn(self._sample_for_ever)

    @property
    def schedule_lag_ms(self) -> float:
        """The lag in the latest sample."""
        samples = self._history.samples
        return samples[-1].schedule_lag_ms if samples else 0.0

    def stop(self) -> None:
        """Write the samples, including a last one. Idempotent."""
        if self._sampler.dead:
            return
        self._sampler.kill()
        is_short = time.monotonic() - self._taken_s < SAMPLE_EVERY_S / 2
        # A short interval gives no reliable CPU load, but a short run has no other sample.
        if is_short and self._history.samples:
            self._history.extend(self._take_sample())
        else:
            self._history.add(self._take_sample())
        self._write()

    def _sample_for_ever(self) -> None:
        number = 0
        while True:
            self._measure_lag(SAMPLE_EVERY_S)
            self._history.add(self._take_sample())
            number += 1
            if number % WRITE_EVERY == 0:
                self._write()

    def _measure_lag(self, span_s: float) -> None:
        """Record the timer's greatest lateness within a time span."""
        before_s = time.monotonic()
        end_s = before_s + span_s
        while before_s < end_s:
            gevent.sleep(_WAKE_EVERY_S)
            now_s = time.monotonic()
            self._lag_s = max(self._lag_s, now_s - before_s - _WAKE_EVERY_S)
            before_s = now_s

    def _take_sample(self) -> Sample:
        recorder = self._recorder
        queued_s = 0.0 if recorder.pool is None else recorder.pool.take_lag_ns() / 1e9
        sample = Sample(
            at_ns=recorder.now_ns,
            cpu_percent=self._process.cpu_percent(),
            schedule_lag_ms=max(self._lag_s, queued_s) * 1000,
            in_flight=recorder.in_flight,
            attempted=recorder.attempted,
            dropped=recorder.dropped,
            users=self._count_users(),
            host_cpu_percent=psutil.cpu_percent(),
            waited_percent=self._cpu_wait.percent(),
        )
        self._lag_s, self._taken_s = 0.0, time.monotonic()
        return sample

    def _write(self) -> None:
        try:
            self._recorder.write_health(self._history.health)
        except OSError as error:
            # Unlike a failing ledger, a missing health file does not end the run.
            if not self._is_logged:
                _log.warning("headcount: the generator's health cannot be written: %s", error)
            self._is_logged = True
