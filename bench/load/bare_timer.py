"""The timer: a bare gevent loop that wakes at a rate, and how late it does.

    python -m bench.load.bare_timer RATE SECONDS

It prints the percentiles of all wake-ups, in ms, as JSON. Nothing else is done in its process, so
no generator that sleeps as gevent does can be expected to be on time more often.
"""

import json
import sys
import time

import gevent

from bench.harness.figures import percentile

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def lags_ms(rate: int, seconds: int) -> list[float]:
    """Wake for each arrival of a rate, evenly apart, and say how late."""
    lags: list[float] = []
    began_s = time.monotonic()
    for number in range(rate * seconds):
        due_s = began_s + number / rate
        while (left_s := due_s - time.monotonic()) > 0:
            gevent.sleep(left_s)
        lags.append(-left_s * 1000)
    return lags


if __name__ == "__main__":
    late_ms = lags_ms(int(sys.argv[1]), int(sys.argv[2]))
    taken = {name: percentile(late_ms, quantile) for name, quantile in QUANTILES.items()}
    sys.stdout.write(json.dumps(taken) + "\n")
