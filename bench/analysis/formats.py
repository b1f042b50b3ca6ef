"""`formats`: messages per second of one core, by format, beside a bare loop of the same library.

In alternating rounds, a reader finds the ids of the same events in each format, decodes and digests
them. First there are as few different events as load tests publish, then each of these has a time
of its own, and then each request asks for another order, so that every event must be compared by
itself. The bare loops of fastavro, Protobuf and orjson only decode this last set of events. Time is
CPU time of the one thread.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read.topic_range import MESSAGES

from bench.analysis.format_samples import COMPARED, ID_FIELD, IDS, FormatSample, format_samples
from bench.analysis.schema_server import schema_server
from bench.harness.figures import MedianRange, in_turn, ratio, spread
from bench.harness.parts import Workbench
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from headcount.run.id_location import IdLocation, LocationKind
from headcount.run.message_format import FormatSettings

NAME = "formats"
TARGET_AVRO = 0.5
BATCH = 10_000
REPEATED = 1024
"""The number of different events of a load test, apart from their ids."""

_NO_SCHEMA = ("", "")


@dataclass(frozen=True, slots=True)
class FormatsSettings:
    """Settings of the measurement."""

    rounds: int = 5
    messages: int = 100_000


@dataclass(frozen=True, slots=True)
class FormatsRound:
    """Messages per second of CPU time, by the sample's title."""

    repeated: Mapping[str, float]
    timed: Mapping[str, float]
    different: Mapping[str, float]
    bare: Mapping[str, float]


Loop = Callable[[], int]
"""Handles all messages of a sample, and returns how many."""


def measure(settings: FormatsSettings, stage: Workbench) -> BenchmarkResult:
    """Measure every format in each round."""
    count = settings.messages
    repeated = format_samples(count, REPEATED, REPEATED)
    timed = format_samples(count, REPEATED, count)
    different = format_samples(count, count, count)
    groups = (repeated, timed, different)
    taken: list[FormatsRound] = []
    with schema_server([sample.schema or _NO_SCHEMA for sample in different]) as url:
        loops = [
            *({sample.title: _reading(sample, url) for sample in group} for group in groups),
            {sample.title: _bare(sample) for sample in different},
        ]
        for number in range(settings.rounds):
            with stage.console.step(f"Round {number + 1} of {settings.rounds}"):
                order = in_turn([sample.title for sample in different], number)
                taken.append(FormatsRound(*(_rates(group, order) for group in loops)))
    return _result(settings, taken)


def _reading(sample: FormatSample, url: str) -> Loop:
    """Return a loop that reads with a reader of its own, but has its schema already."""
    count = len(sample.values)
    expected = Expected(
        *(IDS, IdLocation(LocationKind.FIELD, ID_FIELD), {0: count}),
        shapes=[",".join(sorted(COMPARED))],
        message_format=format_of(FormatSettings(sample.name, "", url if sample.schema else "")),
    )
    batches = [
        _batch(sample, range(start, min(start + BATCH, count))) for start in range(0, count, BATCH)
    ]
    arrivals = Reader(expected).arrivals(batches[0])
    assert set(arrivals["kind"].to_pylist()) == {MessageKind.CLAIMED}, sample.title
    assert all(arrivals["digests"].to_pylist()), sample.title

    def loop() -> int:
        reader = Reader(expected)
        return sum(len(reader.arrivals(batch)) for batch in batches)

    return loop


def _batch(sample: FormatSample, rows: range) -> pa.RecordBatch:
    headers = [{"key": key, "value": value} for key, value in sample.headers]
    messages = [
        {
            "partition": 0,
            "offset": row,
            "timestamp_ms": row,
            "timestamp_type": 0,
            "key": None,
            "value": sample.values[row],
            "topic": "events",
            "headers": headers,
        }
        for row in rows
    ]
    return pa.RecordBatch.from_pylist(messages, schema=MESSAGES)


def _bare(sample: FormatSample) -> Loop:
    contents = [value[len(sample.frame) :] for value in sample.values]

    def loop() -> int:
        decode = sample.bare
        for content in contents:
            decode(content)
        return len(contents)

    return loop


def _rates(loops: Mapping[str, Loop], order: Iterable[str]) -> dict[str, float]:
    rates = {}
    for title in order:
        began_s = time.thread_time()
        handled = loops[title]()
        rates[title] = handled / (time.thread_time() - began_s)
    return rates


def _result(settings: FormatsSettings, taken: Sequence[FormatsRound]) -> BenchmarkResult:
    titles = list(taken[0].bare)
    repeated, timed, different, bare = (
        {title: spread(rates[title] for rates in group) for title in titles}
        for group in (
            [one_round.repeated for one_round in taken],
            [one_round.timed for one_round in taken],
            [one_round.different for one_round in taken],
            [one_round.bare for one_round in taken],
        )
    )
    to_json = {
        title: _to_json([one_round.repeated for one_round in taken], title) for title in titles
    }
    different_to_json = _to_json([one_round.different for one_round in taken], "avro")
    return BenchmarkResult(
        name=NAME,
        title="formats: messages per second of one core",
        columns=("format", "read", "relative to json", "own times", "all different", "bare loop"),
        rows=[
            (
                *(title, repeated[title].show(), to_json[title].show(".2f")),
                *(timed[title].show(), different[title].show(), bare[title].show()),
            )
            for title in titles
        ],
        settings={"settings": settings},
        rounds=taken,
        figures={
            "repeated": repeated,
            "timed": timed,
            "different": different,
            "bare": bare,
            "to_json": to_json,
        },
        notes=(
            f"median (lowest-highest) of {settings.rounds} rounds, {settings.messages:,} messages",
            f"read: {REPEATED:,} different events, each with many ids, as in a load test",
            "own times: the same events, each message with a time that its request does not name",
            "all different: every request asks for a different order, so each is compared alone",
            "the bare loop only decodes: fastavro, Protobuf, and orjson for the others",
        ),
        targets=[
            PerformanceTarget("Avro, relative to JSON", TARGET_AVRO, to_json["avro"]),
            PerformanceTarget(
                "Avro, relative to JSON, all different", TARGET_AVRO, different_to_json
            ),
        ],
    )


def _to_json(rates: Sequence[Mapping[str, float]], title: str) -> MedianRange:
    return ratio([rate[title] for rate in rates], [rate["json"] for rate in rates])
