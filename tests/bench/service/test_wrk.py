"""Parsing the output of wrk."""

from bench.service.throughput import wrk_round

WRK = """Running 5s test @ http://127.0.0.1:8000/
  1 threads and 32 connections
  Latency Distribution
     50%    7.50ms
     75%    8.20ms
     90%    9.91ms
     99%    1.02s
  8000 requests in 4.00s, 1.60MB read
  Socket errors: connect 0, read 3, write 0, timeout 1
  Non-2xx or 3xx responses: 200
Requests/sec:   2000.00
"""


def test_output_of_wrk() -> None:
    """Refusals and errors do not count as acknowledged, and percentiles are in ms."""
    parsed = wrk_round("off", "stateless", 32, WRK)
    assert (parsed.acknowledged, parsed.other, parsed.seconds) == (7800, 204, 4.0)
    assert (parsed.per_second, parsed.p50_ms, parsed.p99_ms) == (1950.0, 7.5, 1020.0)
