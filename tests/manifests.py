"""The manifest of a run that no test has made."""

from headcount.run.manifest import Manifest

MANIFEST = Manifest(
    run_id="run-1",
    created_at="2026-11-23T22:15:30Z",
    headcount_version="0",
    scenario="mixed",
    host="http://localhost",
    bootstrap_servers="localhost:9092",
    cluster_id="cluster",
    topic="events",
    topic_id="topic",
    cleanup_policy="delete",
    start_offsets={0: 5},
)
