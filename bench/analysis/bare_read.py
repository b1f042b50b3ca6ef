"""A peer: reads the run's part of the topic with librdkafka, and discards the messages.

    python -m bench.analysis.bare_read RUN_FOLDER

The benchmark uses it if `kcat` is not installed. It prints the number of messages as JSON.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import Consumer, Message, TopicPartition

from headcount.run.folder import RunFolder

BATCH = 10_000
TIMEOUT_S = 30.0


def batches(folder: RunFolder) -> Iterator[list[Message]]:
    """Read from the run's start offsets to its end offsets, batch by batch."""
    manifest, end = folder.read_manifest(), folder.read_end()
    assert end is not None, "the run has no end"
    consumer = Consumer(
        {
            "bootstrap.servers": manifest.bootstrap_servers,
            "group.id": "bench",
            "enable.auto.commit": False,
        }
    )
    starts = manifest.start_offsets
    consumer.assign([TopicPartition(manifest.topic, p, start) for p, start in starts.items()])
    left = sum(end.end_offsets.values()) - sum(starts.values())
    while left > 0:
        messages = [
            message
            for message in consumer.consume(min(BATCH, left), TIMEOUT_S)
            if message.error() is None
        ]
        assert messages, f"timed out after {TIMEOUT_S:g} s waiting for {left} messages"
        left -= len(messages)
        yield messages
    consumer.close()


if __name__ == "__main__":
    read = sum(map(len, batches(RunFolder(Path(sys.argv[1]).absolute()))))
    sys.stdout.write(json.dumps({"read": read}) + "\n")
