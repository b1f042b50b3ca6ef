"""Settings of every reader of a topic, so that all of them see what the judgement sees."""

READING = {
    # The client requires a group id, but joins no group and commits no offsets.
    "group.id": "headcount-judge",
    "client.id": "headcount",
    "enable.auto.commit": False,
    # Nothing is skipped silently; messages of an aborted transaction were never published.
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "check.crcs": True,
    "enable.partition.eof": True,
}
"""Settings of librdkafka's consumer."""
