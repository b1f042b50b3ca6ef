"""The consumer reads a split from a real broker completely and exactly, or not at all."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import confluent_kafka
import hypothesis
import pyarrow as pa
import pytest
from confluent_kafka import KafkaError, Message
from headcount_analysis.read import partition_reader, topic_range
from headcount_analysis.read.partition_reader import Consumer, Split, _SplitReading, splits
from headcount_analysis.read.source import Kafka
from headcount_analysis.read.topic_range import MESSAGES, OffsetRange
from hypothesis import strategies as st
from kafka import KafkaAdminClient, TopicPartition
from pyspark.sql import SparkSession

from headcount.errors import EvidenceError
from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker

Publish = Callable[..., None]

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def publish(broker: Broker, topic: str) -> Publish:
    """Publishes messages to the topic in order; `settings` are the producer's."""

    def send(
        *messages: tuple[bytes | None, bytes | None], partition: int = 0, **settings: Any
    ) -> None:
        named = {name.replace("_", "."): value for name, value in settings.items()}
        servers = {"bootstrap.servers": broker.bootstrap_servers}
        producer = confluent_kafka.Producer({**servers, **named})
        for key, value in messages:
            producer.produce(topic, value, key, partition)
        assert producer.flush(30) == 0

    return send


def rows(batches: Iterator[pa.RecordBatch]) -> list[dict[str, Any]]:
    """Return the rows of all batches."""
    messages: list[dict[str, Any]] = pa.Table.from_batches(list(batches), MESSAGES).to_pylist()
    return messages


def values(broker: Broker, split: Split) -> list[bytes]:
    """Return the values of a split's messages."""
    return [row["value"] for row in rows(Consumer(broker.cluster).batches(split))]


@hypothesis.given(
    bounds=st.dictionaries(
        st.integers(0, 9), st.tuples(st.integers(0, 500), st.integers(0, 500)).map(sorted)
    ),
    wanted=st.integers(0, 40),
)
def test_splits_cover_a_range_once(bounds: dict[int, list[int]], wanted: int) -> None:
    """Every offset is in exactly one split, by partition, and splits have similar sizes."""
    offsets = OffsetRange(
        "t",
        {partition: start for partition, (start, _) in bounds.items()},
        {partition: end for partition, (_, end) in bounds.items()},
    )
    parts = splits(offsets, wanted)
    assert [(s.partition, o) for s in parts for o in range(s.start, s.end)] == [
        (partition, offset)
        for partition, (start, end) in sorted(bounds.items())
        for offset in range(start, end)
    ]
    assert all(split.topic == "t" and split.start < split.end for split in parts)
    share = max(1, math.ceil(offsets.size / max(1, wanted)))
    assert all(split.end - split.start <= 1.5 * share + 1 for split in parts)


@pytest.mark.e2e
def test_it_reads_like_sparks_own_source(
    broker: Broker, topic: str, publish: Publish, spark: SparkSession
) -> None:
    """Keys, values, null and empty ones, offsets and times equal those from Spark's source."""
    publish((b"k", b"v"), (None, None), (b"", b""), (b"\xff\x00", b"\x00\xff" * 50), (None, b"v"))
    publish(*((b"key", b"value %d" % number) for number in range(300)), partition=2)
    offsets = OffsetRange(topic, {0: 1, 2: 7}, {0: 5, 1: 0, 2: 250})
    source = Kafka(spark.sparkContext, broker.cluster)
    messages = sorted(
        (row for some in source.map_splits(offsets, rows) for row in some),
        key=lambda row: (row["partition"], row["offset"]),
    )
    columns = topic_messages(source, offsets)
    assert messages == columns
    assert len(messages) == 4 + 243
    assert {row["timestamp_type"] for row in messages} == {1}


@pytest.mark.e2e
def test_headers_are_read_if_they_are_needed(
    broker: Broker, topic: str, spark: SparkSession
) -> None:
    """Also names that occur twice, empty values and none, as Spark's source reads them."""
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap_servers})
    headers: list[list[tuple[str, str | bytes | None]]] = [
        [("id", b"1"), ("ID", b"2"), ("id", b"3")],
        [("größe", b"\xff\x00"), ("empty", b""), ("none", None)],
        [],
    ]
    for header in headers:
        producer.produce(topic, b"v", None, 1, headers=header)
    assert producer.flush(30) == 0
    offsets = OffsetRange(topic, {1: 0}, {1: 3})
    source = Kafka(spark.sparkContext, broker.cluster, needs_headers=True)
    messages = sorted(
        (row for some in source.map_splits(offsets, rows) for row in some),
        key=lambda row: row["offset"],
    )
    expected = [[{"key": name, "value": value} for name, value in header] for header in headers]
    assert [row["headers"] for row in messages] == expected
    assert {row["topic"] for row in messages} == {topic}
    # Spark has null where a message has no headers.
    assert topic_messages(source, offsets) == [
        {**row, "headers": row["headers"] or None} for row in messages
    ]


def topic_messages(source: Kafka, offsets: OffsetRange) -> list[dict[str, Any]]:
    """Return the rows that Spark's source reads."""
    frame = topic_range.messages(source.frame(offsets)).orderBy("partition", "offset")
    return [_plain(row.asDict(recursive=True)) for row in frame.collect()]


def _plain(value: Any) -> Any:
    """Replace Spark's byte arrays."""
    match value:
        case bytearray():
            return bytes(value)
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
    return value


@pytest.mark.e2e
@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_decompressed(
    codec: str, broker: Broker, topic: str, publish: Publish
) -> None:
    """A batch is read with any compression, also from its middle."""
    sent = [b"%d " % number * 50 for number in range(200)]
    publish(*((None, value) for value in sent), compression_type=codec, linger_ms=200)
    assert values(broker, Split(topic, 0, 0, 200)) == sent
    assert values(broker, Split(topic, 0, 77, 123)) == sent[77:123]


@pytest.mark.e2e
def test_a_batch_has_bounds(
    broker: Broker, topic: str, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No batch greatly exceeds its bound of rows or bytes, and none is empty."""
    publish(*((None, b"x" * 1000) for _ in range(500)))
    monkeypatch.setattr(partition_reader, "BATCH_ROWS", 60)
    monkeypatch.setattr(partition_reader, "_MOST_CONSUMED", 60)
    batches = list(Consumer(broker.cluster).batches(Split(topic, 0, 0, 500)))
    assert sum(map(len, batches)) == 500
    assert all(0 < len(batch) < 120 for batch in batches)
    monkeypatch.setattr(partition_reader, "BATCH_ROWS", 5)
    monkeypatch.setattr(partition_reader, "BATCH_BYTES", 10_000)
    assert sum(map(len, Consumer(broker.cluster).batches(Split(topic, 0, 3, 400)))) == 397


@pytest.mark.e2e
@pytest.mark.parametrize("is_committed", [True, False])
def test_transactions_at_the_bounds(
    is_committed: bool, broker: Broker, topic: str, publish: Publish
) -> None:
    """Neither a transaction's marker nor an aborted message counts as a message."""
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": f"of-{topic}"}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(3):
        producer.produce(topic, b"in %d" % number, partition=0)
    assert producer.flush(30) == 0
    if is_committed:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)
    inside = [b"in 0", b"in 1", b"in 2"] if is_committed else []
    assert values(broker, Split(topic, 0, 0, 4)) == inside
    assert values(broker, Split(topic, 0, 3, 4)) == []
    publish((None, b"after"))
    assert values(broker, Split(topic, 0, 0, 4)) == inside
    assert values(broker, Split(topic, 0, 0, 5)) == [*inside, b"after"]


@pytest.mark.slow
@pytest.mark.e2e
def test_an_open_transaction_is_waited_for(broker: Broker, topic: str) -> None:
    """The reader waits, and the error says that a transaction is still open."""
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": f"open-{topic}"}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"in", partition=0)
    assert producer.flush(30) == 0
    with pytest.raises(EvidenceError, match=r"at offset 0, sent nothing .* a transaction in it"):
        list(Consumer(broker.cluster, 10).batches(Split(topic, 0, 0, 1)))
    producer.abort_transaction(30)
    assert values(broker, Split(topic, 0, 0, 1)) == []


class FakeClient:
    """Returns prepared messages, each once."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)

    def consume(self, most: int, _timeout_s: float) -> list[Message]:
        """Return the next messages."""
        messages, self.messages = self.messages[:most], self.messages[most:]
        return messages

    def position(self, places: list[Any]) -> list[Any]:
        """Return the places unchanged."""
        return places


def batches_at(*offsets: int, error_at: int | None = None) -> Iterator[pa.RecordBatch]:
    """Return the batches of split 5 to 8 from a client that returns some offsets."""
    messages = [Message("t", 0, offset, None, b"v") for offset in offsets]
    if error_at is not None:
        messages.append(Message("t", 0, error_at, error=KafkaError(KafkaError._BAD_MSG)))  # noqa: SLF001
    client: Any = FakeClient(*messages)
    return _SplitReading(client, Split("t", 0, 5, 9), 5, 0.1, []).batches()


@pytest.mark.parametrize("offsets", [(4, 5, 6), (5, 7, 6, 8), (5, 6, 6, 8)])
def test_no_message_counts_twice(offsets: tuple[int, ...]) -> None:
    """If a client returns messages twice or out of order, that is an error."""
    with pytest.raises(EvidenceError, match="twice, or out of order"):
        list(batches_at(*offsets))


def test_errors_after_a_split_are_ignored() -> None:
    """An error after the last message of a split is ignored; an earlier one is raised."""
    (batch,) = batches_at(5, 6, 8, 9, error_at=10)
    assert batch["offset"].to_pylist() == [5, 6, 8]
    with pytest.raises(EvidenceError, match="at offset 7, cannot be read"):
        list(batches_at(5, 6, error_at=7))


@pytest.mark.e2e
def test_deleted_messages_are_an_error(broker: Broker, topic: str, publish: Publish) -> None:
    """Messages that Kafka has deleted are not skipped."""
    publish(*((None, b"%d" % number) for number in range(10)))
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 0): 5})
    admin.close()
    with pytest.raises(EvidenceError, match=r"partition 0 of .* at offset 2, cannot be read"):
        values(broker, Split(topic, 0, 2, 10))
    assert values(broker, Split(topic, 0, 5, 10)) == [b"%d" % number for number in range(5, 10)]


@pytest.mark.e2e
def test_a_topic_that_does_not_exist(broker: Broker) -> None:
    """The error comes when the time limit is over."""
    began_s = time.monotonic()
    with pytest.raises(EvidenceError, match="partition 0 of 'nowhere', at offset 0"):
        list(Consumer(broker.cluster, 5).batches(Split("nowhere", 0, 0, 1)))
    assert time.monotonic() - began_s < 50


@pytest.mark.slow
@pytest.mark.e2e
def test_a_broker_that_goes_away_is_an_error(
    new_broker: Callable[..., Broker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An incomplete split is an error that says where it stopped."""
    own_broker = new_broker(tmp_path)
    ensure_topic(own_broker.cluster, "big", 1, timeout_s=120)
    producer = confluent_kafka.Producer({"bootstrap.servers": own_broker.bootstrap_servers})
    for _ in range(40):
        producer.produce("big", b"x" * 900_000, partition=0)
        producer.flush(10)
    monkeypatch.setattr(partition_reader, "BATCH_ROWS", 1)
    batches = Consumer(own_broker.cluster, 10).batches(Split("big", 0, 0, 40))
    next(batches)
    own_broker.stop()
    with pytest.raises(EvidenceError, match=r"sent nothing within 10 s.* ends at offset 40"):
        list(batches)
