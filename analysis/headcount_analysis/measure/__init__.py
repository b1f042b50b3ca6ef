"""What a run measured: latencies, rates, clocks, thresholds, over time and in parts."""
