"""Reading: what every reader of a topic sets, so that all of them see what the judge sees."""

READING = {
    # The client wants a group's name; none is joined, and no group's offsets move.
    "group.id": "headcount-judge",
    "client.id": "headcount",
    "enable.auto.commit": False,
    # Nothing is skipped in silence, and what a transaction took back was never published.
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "check.crcs": True,
    "enable.partition.eof": True,
}
"""Of librdkafka's consumer."""
