"""`formats`: messages per second of one core, by format, beside a bare loop of the same library.

In alternating rounds, each format decodes the same events and computes their digests, as a reader
does with messages that all differ; fastavro, Protobuf or orjson alone only decode them. Time is CPU
time of the one thread.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.messages.record import Record

from bench.analysis.format_samples import COMPARED, FormatSample, format_samples
from bench.analysis.schema_server import schema_server
from bench.harness.figures import MedianRange, in_turn, ratio, spread
from bench.harness.parts import Workbench
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from headcount.ledger.digest import digests_over
from headcount.run.message_format import FormatSettings

NAME = "formats"
TARGET_AVRO = 0.5
NO_SCHEMA = ("", "")


@dataclass(frozen=True, slots=True)
class FormatsSettings:
    """Settings of the measurement."""

    rounds: int = 5
    messages: int = 50_000


@dataclass(frozen=True, slots=True)
class FormatsRound:
    """Messages per second of CPU time, by the sample's title."""

    decoded: dict[str, float]
    bare: dict[str, float]


def measure(settings: FormatsSettings, stage: Workbench) -> BenchmarkResult:
    """Measure every format in each round."""
    samples = format_samples(settings.messages)
    schemas = [sample.schema or NO_SCHEMA for sample in samples]
    taken: list[FormatsRound] = []
    with schema_server(schemas) as url:
        loops = {sample.title: _decoding(sample, url) for sample in samples}
        bare = {sample.title: _bare(sample) for sample in samples}
        for number in range(settings.rounds):
            with stage.console.step(f"Round {number + 1} of {settings.rounds}"):
                order = in_turn(list(loops), number)
                taken.append(FormatsRound(_rates(loops, order), _rates(bare, order)))
    return _result(settings, taken)


Loop = Callable[[], int]
"""Handles all messages of a sample, and returns how many."""


def _decoding(sample: FormatSample, url: str) -> Loop:
    """Return a loop over a format, after it has its schema."""
    decoder = format_of(FormatSettings(sample.name, "", url if sample.schema else ""))
    shape = ",".join(sorted(COMPARED))
    records = [
        Record("events", 0, offset, value=value, headers=sample.headers)
        for offset, value in enumerate(sample.values)
    ]
    event = decoder.decode(records[0]).event
    assert event is not None, "the sample is valid"
    assert len(digests_over(event, [shape])) == 1, "it has what was asked for"

    def loop() -> int:
        for record in records:
            digests_over(decoder.decode(record).event or {}, [shape])
        return len(records)

    return loop


def _bare(sample: FormatSample) -> Loop:
    contents = [value[len(sample.frame) :] for value in sample.values]

    def loop() -> int:
        decode = sample.bare
        for content in contents:
            decode(content)
        return len(contents)

    return loop


def _rates(loops: dict[str, Loop], order: Iterable[str]) -> dict[str, float]:
    rates = {}
    for title in order:
        began_s = time.thread_time()
        handled = loops[title]()
        rates[title] = handled / (time.thread_time() - began_s)
    return rates


def _result(settings: FormatsSettings, taken: Sequence[FormatsRound]) -> BenchmarkResult:
    titles = list(taken[0].decoded)
    decoded = {title: spread(each.decoded[title] for each in taken) for title in titles}
    bare = {title: spread(each.bare[title] for each in taken) for title in titles}
    to_json = {title: _to_json(taken, title) for title in titles}
    return BenchmarkResult(
        name=NAME,
        title="formats: messages per second of one core that decodes and digests",
        columns=("format", "messages/s", "relative to json", "bare loop, messages/s"),
        rows=[
            (title, decoded[title].show(), to_json[title].show(".2f"), bare[title].show())
            for title in titles
        ],
        settings={"settings": settings},
        rounds=taken,
        figures={"decoded": decoded, "bare": bare, "to_json": to_json},
        notes=(
            f"median (lowest-highest) of {settings.rounds} rounds, {settings.messages:,} messages",
            "every message is decoded; a reader decodes messages that differ only in their id once",
            "the bare loop only decodes: fastavro, Protobuf, and orjson for the others",
        ),
        targets=[
            PerformanceTarget(
                "Avro, messages decoded and digested per second, relative to JSON",
                TARGET_AVRO,
                to_json["avro"],
            )
        ],
    )


def _to_json(taken: Sequence[FormatsRound], title: str) -> MedianRange:
    return ratio([each.decoded[title] for each in taken], [each.decoded["json"] for each in taken])
