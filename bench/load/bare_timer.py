"""The timer: a bare gevent loop that wakes at a rate, and its lateness.

    python -m bench.load.bare_timer RATE SECONDS

It prints the percentiles of the lateness of all wake-ups, in ms, as JSON. The process does nothing
else, so a generator that sleeps with gevent cannot be more punctual.
"""

import json
import sys
import time

import gevent

from bench.harness.figures import percentile

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def lags_ms(rate: int, seconds: int) -> list[float]:
    """Wake for each of the evenly spaced arrivals of a rate; return the lateness of each."""
    lags: list[float] = []
    start_s = time.monotonic()
    for number in range(rate * seconds):
        due_s = start_s + number / rate
        while (left_s := due_s - time.monotonic()) > 0:
            gevent.sleep(left_s)
        lags.append(-left_s * 1000)
    return lags


if __name__ == "__main__":
    lateness_ms = lags_ms(int(sys.argv[1]), int(sys.argv[2]))
    percentiles = {name: percentile(lateness_ms, quantile) for name, quantile in QUANTILES.items()}
    sys.stdout.write(json.dumps(percentiles) + "\n")
