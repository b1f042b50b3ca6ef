"""The users of the benchmarks: the same requests, by bare Locust and with a ledger."""
