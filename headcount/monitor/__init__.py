"""The live monitor: follows a run from its generators' reports and from the topic.

Its figures are preliminary: the verdict comes from what Spark reads after the run. Generators send
`progress.py`; `topic_watcher.py` is the process that reads the topic, and sends `topic_counts.py`;
`live_stats.py` combines the two; `missing_events.py` compares acknowledged events with arrived
ones; `abort_rules.py` detects thresholds that can no longer be met.
"""
