"""Complete runs: generators of synthetic runs, and the benchmark of a short real run."""
