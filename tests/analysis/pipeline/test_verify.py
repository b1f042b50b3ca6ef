"""Verifying complete histories, from files to files: sane, empty, and every pathology."""

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from headcount_analysis.blocks.seq_block import BlockInput, block_inputs
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.judge import Limits
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.measure.rates import Rates
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.read.topic_range import OffsetRange
from headcount_analysis.read.topic_rows import Groups
from headcount_analysis.read.topic_seen import TopicSeen
from headcount_analysis.report.model import Report
from headcount_analysis.report.text.terminal_table import summary
from headcount_analysis.spark.tables import Tables
from pyspark.sql import DataFrame

from headcount.ledger.location import open_location
from headcount.ledger.shortfall import Shortfall
from headcount.ledger.writer import LedgerWriter
from headcount.open_model.arrival_counts import Arrivals
from headcount.run.manifest import Scheduled
from headcount.run.verdict import Result, Verdict
from headcount.thresholds.grammar import parse
from tests.analysis.synthetic_run import RUN, START_NS, Frames, RunHistory, event_id

pytestmark = pytest.mark.e2e

IRON = {"event_type": "purchase_sword", "metal": "iron"}
HOSTILE = "=cmd|'/c calc'!A1<script>alert(1)</script>"


def exceptions(history: RunHistory) -> dict[str, Mapping[str, str]]:
    """Read exceptions.csv by id."""
    with (history.folder.path / "exceptions.csv").open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def document(history: RunHistory) -> dict[str, object]:
    """Read verdict.json."""
    content: dict[str, object] = json.loads((history.folder.path / "verdict.json").read_text())
    return content


def test_sane(history: RunHistory) -> None:
    """Everything acknowledged is there once: a pass, and every file says so."""
    history.deliver(3)
    history.attempt(3, "failed")
    history.start = {0: 100, 1: 7}
    history.messages = [(0, 100 + m[1], *m[2:]) for m in history.messages]
    history.arrive("of-another-run.0.0", 99)
    history.end = {0: 103, 1: 7}

    report = history.verified()

    assert report.reasons == ()
    assert report.verdict is Verdict.PASS
    assert report.counts == Counts(attempted=4, acked=3, failed=1, delivered=3, refused=1)
    assert exceptions(history) == {}
    assert document(history)["verdict"] == "pass"
    golden = Path(__file__).with_name("golden_summary.csv").read_text()
    assert (history.folder.path / "summary.csv").read_text() == golden
    assert summary(report).header == (
        *("event type", "attempted", "acked", "failed", "delivered", "lost", "refused"),
    )
    left = {path.name for path in history.folder.path.iterdir()}
    assert left == {
        *("ledger", "generators.json", "logs", "arrivals.parquet", "fates.parquet"),
        *("verdict.json", "summary.csv", "latency.csv", "exceptions.csv", "report.html"),
        *("junit.xml", "summary.md", "percentiles.csv", "over_time.csv"),
    }


def test_another_start_of_the_run_delivers_nothing(history: RunHistory) -> None:
    """If two starts of a run share an id and a topic, neither gets the other's events.

    The other start delivers all that it asks for, with the same generator and sequence numbers;
    so does a start of a version whose ids had no tags.
    """
    history.options = {"tag": "0aaaaaaaaa"}
    for seq in range(3):
        history.attempt(seq)
        history.arrive(event_id(seq, run="7bbbbbbbbb"), 2 * seq)
        history.arrive(event_id(seq, run=RUN), 2 * seq + 1)
    # One of this start's own: if no message has its id in place, no loss is certain.
    history.attempt(3)
    history.arrive(event_id(3, run="0aaaaaaaaa"), 6)

    report = history.verified()

    assert report.verdict is Verdict.FAIL
    assert report.counts == Counts(attempted=4, acked=4, lost=3, delivered=1, foreign=6)
    assert set(exceptions(history)) == {f"0aaaaaaaaa.0.{seq}" for seq in range(3)}


@pytest.mark.parametrize(
    ("epoch_ends", "verdict", "lost"),
    [({}, Verdict.FAIL, 2), ({0: 4}, Verdict.PASS, 0), ({0: 5}, Verdict.FAIL, 1)],
)
def test_a_later_leader_that_lacked_what_was_before_the_start(
    history: RunHistory, epoch_ends: dict[int, int], verdict: Verdict, lost: int
) -> None:
    """Its messages begin before the recorded start, at 6, and are read if that is known.

    What is before them is not read: here a message that would be a duplicate.
    """
    history.start = {0: 6, 1: 0}
    for seq, offset in enumerate((4, 5, 6, 7)):
        history.attempt(seq)
        history.arrive(event_id(seq), offset)
    history.arrive(event_id(3), 3)
    history.seen = TopicSeen(epoch_ends=epoch_ends)

    report = history.verified()

    assert report.verdict is verdict
    assert report.counts == Counts(attempted=4, acked=4, delivered=4 - lost, lost=lost)
    assert any("a later leader lacked" in note for note in report.notes) is bool(epoch_ends)


def test_what_a_later_leader_does_not_have_is_lost(history: RunHistory) -> None:
    """Also if it is read from before the recorded start; another run's events are no substitute."""
    history.options = {"tag": "0aaaaaaaaa"}
    history.start = {0: 6, 1: 0}
    for seq in range(3):
        history.attempt(seq)
    history.arrive(event_id(0, run="0aaaaaaaaa"), 4)
    history.arrive(event_id(1, run="7bbbbbbbbb"), 5)
    history.arrive(event_id(2, run=RUN), 6)
    history.seen = TopicSeen(epoch_ends={0: 4})

    report = history.verified()

    assert report.verdict is Verdict.FAIL
    assert report.counts == Counts(attempted=3, acked=3, lost=2, delivered=1, foreign=2)


def test_the_rates_are_those_of_the_arrivals_where_there_is_a_schedule(history: RunHistory) -> None:
    """Else of the requests: here 5 in 45 ms. Tasks that a dead generator left undone count."""
    history.deliver(5)
    history.options = {"options": {"rate": "100/s"}}
    assert history.verified().rates == Rates(target_per_s=None, achieved_per_s=5 / 0.045)

    path = history.folder.path / "ledger"
    LedgerWriter(*open_location(str(path)), RUN, 0).write_arrivals(Arrivals(0, 9, 7, 2))
    history.folder.write_scheduled(Scheduled(START_NS, 0.5, {0: 9, 1: 41}))

    assert history.verified_again().rates == Rates(target_per_s=100, achieved_per_s=14)


@pytest.mark.parametrize(("userless", "exit_code"), [(45, 3), (0, 0)])
def test_the_rate_of_users_that_ended_early(
    history: RunHistory, userless: int, exit_code: int
) -> None:
    """Five requests in 45 ms are no proof of a rate that was scheduled for half a second.

    A threshold that also holds for the whole schedule is proven.
    """
    texts = ("rps > 90", "rps > 90 after 0.005s", "rps > 5", "rps < 200")
    history.thresholds = tuple(map(parse, texts))
    history.deliver(5)
    history.write()
    path = history.folder.path / "ledger"
    shortfall = Shortfall(users=5, ended_users=5, userless=userless)
    LedgerWriter(*open_location(str(path)), RUN, 0).write_shortfall(shortfall)
    history.folder.write_scheduled(Scheduled(START_NS, 0.5, {0: 50}))
    report = history.verified_again()
    early = Result.UNPROVEN if userless else Result.KEPT
    results = [result.result for result in report.thresholds]
    assert results == [early, early, Result.KEPT, Result.KEPT]
    assert report.exit_code == exit_code


@pytest.fixture
def zoo(history: RunHistory) -> RunHistory:
    """One of each class: partition 0 holds requested events, partition 1 all others."""
    guild = {"event_type": "join_guild", "guild": HOSTILE}
    history.deliver(2)  # 0 and 1, at offsets 0 and 1
    history.attempt(2)  # lost
    history.attempt(3)  # duplicated, the second copy altered
    history.arrive(event_id(3), 2)
    history.arrive(event_id(3), 3, event={**IRON, "metal": "gold"})
    history.attempt(4, "indeterminate", took_ms=None)  # recovered
    history.arrive(event_id(4), 4)
    history.attempt(5, "indeterminate", took_ms=None)  # absent
    history.attempt(6, "failed")  # refused
    history.attempt(7, "failed")  # ghost
    history.arrive(event_id(7), 5)
    history.attempt(8)  # corrupted: another event type
    history.arrive(event_id(8), 6, event={**IRON, "event_type": "default"})
    history.attempt(9, sent_ms=100)  # reordered: answered at 105, and in the topic after 10
    history.attempt(10, sent_ms=200)
    history.arrive(event_id(10), 7, key="player-1")
    history.arrive(event_id(9), 8, key="player-1")
    history.attempt(11)  # late
    history.arrive(event_id(11), 9, at_ms=60_001)
    history.attempt(12, "indeterminate", took_ms=None)  # asked once, published twice
    history.arrive(event_id(12), 10)
    history.arrive(event_id(12), 0, partition=1)
    history.attempt(0, event=guild, generator=1)  # delivered, with a hostile value
    history.arrive(event_id(0, 1), 11, event=guild)
    history.arrive(event_id(99), 1, partition=1, event={"event_type": HOSTILE})  # phantom
    history.arrive(event_id(99), 2, partition=1, event={"event_type": HOSTILE})  # the same
    history.arrive(event_id(0, 7), 3, partition=1)  # phantom of a generator that never was
    history.arrive("other.0.0", 4, partition=1)  # foreign
    history.arrive(None, 5, partition=1, event={"event_type": "join_guild"})  # foreign
    history.arrive_raw(None, 6, partition=1)  # a tombstone
    history.arrive_raw(b"{", 7, partition=1)  # malformed
    return history


EXPECTED = {
    event_id(2): ("lost", "", "", "0"),
    event_id(3): ("duplicated", "corrupted", "2", "2"),
    event_id(4): ("recovered", "", "4", "1"),
    event_id(5): ("absent", "", "", "0"),
    event_id(7): ("ghost", "", "5", "1"),
    event_id(8): ("delivered", "corrupted", "6", "1"),
    event_id(9): ("delivered", "reordered", "8", "1"),
    event_id(11): ("delivered", "late", "9", "1"),
    event_id(12): ("duplicated", "", "10", "2"),
    event_id(99): ("phantom", "", "1", "2"),
    event_id(0, 7): ("phantom", "", "3", "1"),
}


def test_every_pathology_is_named(zoo: RunHistory) -> None:
    """Each id has its class, flags, first offset and copies; no other id is listed."""
    report = zoo.verified()

    rows = exceptions(zoo)
    actual = {
        name: (row["class"], row["flags"], row["offset"], row["copies"])
        for name, row in rows.items()
    }
    assert actual == EXPECTED
    assert report.verdict is Verdict.FAIL
    assert [reason.split(":")[0] for reason in report.reasons] == [
        *("1 lost", "2 duplicated", "1 ghost", "2 phantom", "2 corrupted"),
    ]
    assert report.counts == Counts(
        attempted=14,
        acked=9,
        failed=2,
        indeterminate=3,
        delivered=7,
        lost=1,
        duplicated=2,
        recovered=1,
        absent=1,
        refused=1,
        ghost=1,
        phantom=2,
        foreign=2,
        malformed=2,
        corrupted=2,
        reordered=1,
        late=1,
    )
    assert_types_and_partitions(report)
    assert_harmless(zoo, rows[event_id(99)])


def assert_types_and_partitions(report: Report) -> None:
    """Unowned messages count under a known type or the unknown one."""
    assert list(report.by_event_type) == ["join_guild", "purchase_sword", "(unknown)"]
    assert report.by_event_type["join_guild"].foreign == 1
    # An unknown generator's phantom has a sword's type; the one with a script, an unknown type.
    assert report.by_event_type["purchase_sword"].phantom == 1
    assert report.by_event_type["(unknown)"] == Counts(phantom=1, malformed=2)
    assert report.evidence is not None
    partition = report.evidence.partitions[1]
    assert (partition.read, partition.gaps, partition.reached_end) == (8, 0, True)
    assert partition.malformed_samples == (6, 7)
    assert partition.foreign_samples == (4, 5)


def assert_harmless(history: RunHistory, phantom: Mapping[str, str]) -> None:
    """Text from the topic becomes neither a formula nor a script."""
    assert phantom["event_type"].startswith("'=cmd")
    page = (history.folder.path / "report.html").read_text()
    scripts = re.findall("<script([^>]*)>", page)
    assert set(scripts) == {"", ' type="application/json"'}
    assert len(scripts) == page.count("</script")
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "src=" not in page.replace("script-src", "")
    assert "@import" not in page


def test_allowed_pathologies_pass(zoo: RunHistory) -> None:
    """A run may allow every class it has, and verifying again gives the same result."""
    zoo.limits = Limits(lost=1, duplicated=2, ghost=1, phantom=2, corrupted=2)

    assert zoo.verified().verdict is Verdict.PASS
    zoo.limits = Limits(lost=1, duplicated=2, ghost=1, phantom=2, corrupted=2, late=0)
    assert zoo.verified_again().verdict is Verdict.FAIL


def test_exceptions_say_how_far_their_attempt_got(history: RunHistory) -> None:
    """Each exception says how far its attempt got, as far as is known."""
    history.deliver(1)
    history.attempt(1)
    history.attempt(2, "failed")
    history.arrive(event_id(2), 1)
    history.attempt(3, "failed", took_ms=None)
    history.arrive(event_id(3), 2)
    history.attempt(4, "indeterminate", took_ms=None)
    for seq, receipts in ((5, ("a", "b")), (6, ("a", "a"))):
        history.attempt(seq)
        for receipt in receipts:
            event = {**IRON, "receipt": receipt}
            history.arrive(event_id(seq), len(history.messages), event=event)
    history.arrive(event_id(99), 7)
    history.reserved[0] = 8
    history.unsealed.add(0)

    history.verified()

    assert {name: row["where"] for name, row in exceptions(history).items()} == {
        event_id(1): "acknowledged, not in topic",
        event_id(2): "refused by the service",
        event_id(3): "never reached the service",
        event_id(4): "sent, but not answered",
        event_id(5): "in topic, copies differ: accepted twice, or published as two events",
        event_id(6): "in topic, copies identical: written twice",
        event_id(7): "in flight when its generator ended",
        event_id(99): "in topic, never requested",
    }


def test_unreadable_copies_do_not_pass(history: RunHistory) -> None:
    """An unreadable message that contains an id of the run may be anything."""
    history.deliver(2)
    whole = json.dumps({**IRON, "X-Event-Id": event_id(1)}).encode()
    for offset, value in enumerate((whole[:-1], whole + b"}", b"[" + whole + b"]"), 2):
        history.arrive_raw(value, offset)

    report = history.verified()

    assert report.verdict is Verdict.FAIL
    assert report.reasons[0].startswith("3 garbled: unreadable, but containing an id of this run")
    assert report.evidence is not None
    assert report.evidence.partitions[0].malformed_samples == (2, 3, 4)


def test_deleted_tail_of_a_torn_ledger_does_not_pass(history: RunHistory) -> None:
    """Acknowledged events may be lost unseen if their segment and the seal are gone."""
    history.deliver(4)
    history.messages = history.messages[:2]
    history.write()
    folder = history.folder.path / "ledger" / "0"
    (folder / "seal.json").unlink()
    (folder / "segment-000001.parquet").unlink()

    report = history.verified_again()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert "generator 0 never sealed its ledger" in report.reasons[0]


def test_empty(history: RunHistory) -> None:
    """A run that did nothing proves nothing."""
    report = history.verified()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("nothing was attempted" in reason for reason in report.reasons)
    assert any("has no ledger" in reason for reason in report.reasons)


@pytest.mark.parametrize("outcome", ["failed", "indeterminate"])
@pytest.mark.parametrize("has_foreign", [False, True])
def test_no_answer_at_all(history: RunHistory, outcome: str, *, has_foreign: bool) -> None:
    """A run without a single answer is judged, and proves nothing."""
    for seq in range(3):
        history.attempt(seq, outcome, took_ms=None)
    if has_foreign:
        history.arrive("of-another-run.0.0", 0)

    report = history.verified()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reasons[0].startswith("none of 3 attempts was acknowledged")
    assert report.counts is not None
    assert report.counts.attempted == 3


def test_reserved_ids_without_any_row(history: RunHistory) -> None:
    """A generator that was killed before its first row leaves a run that is judged."""
    history.reserved, history.unsealed = {0: 64}, {0}

    report = history.verified()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reasons[0].startswith("generator 0 never sealed its ledger")


def test_moved_log_start_is_reported(history: RunHistory) -> None:
    """The rest is read and judged, but without the deleted messages no loss is proven."""
    history.deliver(3)
    history.attempt(3)
    history.seen = TopicSeen(log_start_offsets={0: 1})

    report = history.verified()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reasons[0].startswith("2 lost")
    assert "not proven" in report.reasons[0]
    assert "partition 0 now begins at offset 1" in report.reasons[1]


def test_other_topic_is_not_read(history: RunHistory) -> None:
    """A topic that was recreated holds no evidence about the run."""
    history.deliver(1)
    history.seen = TopicSeen(topic_id="another")

    report = history.verified()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert "deleted and recreated" in report.reasons[0]
    assert report.counts is None


def test_crash_is_inconclusive(history: RunHistory) -> None:
    """A check that crashes leaves an inconclusive report, and no counts that look like zeros."""

    def broken(_offsets: OffsetRange) -> DataFrame:
        message = "the wrong kind of wood"
        raise RuntimeError(message)

    history.deliver(1)
    history.verified()
    plan = VerificationPlan(history.folder, history.manifest, history.reached)
    tables = Tables(history.folder.path.absolute())
    report = verify(plan, Tools(history.spark.sparkContext, Frames(broken), tables), RunCache())

    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the wrong kind of wood" in report.reasons[0]
    assert document(history)["counts"] is None
    assert "RuntimeError" in (history.folder.logs / "verify-crash.log").read_text()
    assert "INCONCLUSIVE" in (history.folder.path / "report.html").read_text()


@pytest.mark.parametrize("times", [0, 2])
def test_messages_that_are_not_compared_once_are_reported(
    history: RunHistory, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """A bug in the verifier is reported as one, not as losses or duplicates."""
    history.attempt(0)
    history.arrive(event_id(0), 0)

    def wrong_inputs(ledger: Ledger, groups: Groups, span: int) -> list[BlockInput]:
        repeated = {block: row_groups * times for block, row_groups in groups.items()}
        return block_inputs(ledger, repeated, span)

    monkeypatch.setattr("headcount_analysis.pipeline.compare.block_inputs", wrong_inputs)
    report = history.verified()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert f"1 messages of the run were read, and {times} compared" in report.reasons[0]


def test_unreadable_data_is_inconclusive(history: RunHistory) -> None:
    """A segment whose pages are damaged although its footer is sound ends in one line."""
    history.deliver(50)
    history.unsealed.add(0)
    history.write()
    segment = history.folder.path / "ledger" / "0" / "segment-000000.parquet"
    content = bytearray(segment.read_bytes())
    content[4:300] = bytes(296)
    segment.write_bytes(content)

    report = history.verified_again()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert "a check crashed" in report.reasons[0]
    assert "\n" not in report.reasons[0]


def test_an_id_elsewhere_is_not_a_loss(history: RunHistory) -> None:
    """If no message has its id in place, nothing is proven, and the reason says where it is."""
    for seq in range(4):
        history.attempt(seq)
        nested = {**IRON, "request_headers": {"X-Event-Id": event_id(seq)}}
        history.arrive(None, seq, partition=seq % 2, event=nested)

    report = history.verified()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.counts is not None
    assert report.counts.lost == 4
    reasons = " ".join(report.reasons)
    assert "/request_headers/X-Event-Id (partition 0, offset 0)" in reasons
    assert "not proven: no message has its id in the expected place" in reasons
    assert "headcount probe test finds the options" in reasons


def test_framed_values_are_not_losses(history: RunHistory) -> None:
    """They are unreadable but contain an id of the run, so no loss is proven."""
    for seq in range(3):
        history.attempt(seq)
        text = json.dumps({**IRON, "X-Event-Id": event_id(seq)}).encode()
        history.arrive_raw(b"\x00\x00\x00\x00\x07" + text, seq)

    report = history.verified()

    assert report.verdict is Verdict.INCONCLUSIVE
    assert "framed for a schema registry, schema 7" in " ".join(report.reasons)
    assert any("schema registry, schema 7: 3, first at offset 0" in note for note in report.notes)


def test_an_empty_topic_does_not_prove_a_loss(history: RunHistory) -> None:
    """The service may write to another topic."""
    history.attempt(0)
    report = history.verified()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "has received no message since the run began" in " ".join(report.reasons)


def test_a_loss_among_events_in_place_is_proven(history: RunHistory) -> None:
    """Ids elsewhere are only noted."""
    history.deliver(3)
    history.attempt(3)
    history.attempt(4)
    history.arrive(None, 3, event={**IRON, "request_id": event_id(3)})

    report = history.verified()

    assert report.verdict is Verdict.FAIL
    assert report.reasons[0].startswith("2 lost")
    assert any("1 of 1 messages" in note and "request_id" in note for note in report.notes)


def test_differing_fields_are_named(history: RunHistory) -> None:
    """Field by field, in exceptions.csv and in a note, and repeated keys too."""
    address = {"event_type": "ship", "n": 3, "to": {"city": "Delft"}}
    changed: list[dict[str, object]] = [
        {**address, "n": "3"},
        {**address, "n": "3", "to": {"city": "Delft", "country": "NL"}},
        {**address, "to": {"city": "Gent"}},
        {**address, "to": {"city": "Delft", "country": "NL"}},
    ]
    for seq, event in enumerate(changed):
        history.attempt(seq, event=address)
        history.arrive(event_id(seq), seq, event=event)
    history.attempt(4, event=address)
    twice = json.dumps({**address, "X-Event-Id": event_id(4)})[:-1] + ', "n": 3}'
    history.arrive_raw(twice.encode(), 4)

    report = history.verified()

    assert report.verdict is Verdict.FAIL
    assert report.counts is not None
    assert (report.counts.delivered, report.counts.corrupted) == (5, 4)
    rows = exceptions(history)
    assert {name: row["differing_fields"] for name, row in rows.items()} == {
        event_id(0): "n",
        event_id(1): "n",
        event_id(2): "/to/city",
        event_id(4): "n",
    }
    assert rows[event_id(0)]["differences"] == 'n: asked for 3, found "3"'
    assert rows[event_id(4)]["differences"] == "n: the key occurs twice"
    assert report.differences.sentences[0] == (
        '`n`: asked for 3, found "3", 2 times (50 % of 4 corrupted events)'
    )


def test_a_float_in_another_spelling_passes(history: RunHistory) -> None:
    """An event is not corrupted by the text of its double, however many fields it has."""
    long = {f"field {number}": "x" * 20 for number in range(20)}
    for seq, more in enumerate(({}, long)):
        event = {"event_type": "ship", "f": 0.4318200495507135, **more}
        history.attempt(seq, event=event)
        text = json.dumps({**event, "X-Event-Id": event_id(seq)})
        history.arrive_raw(text.replace("507135", "5071351").encode(), seq)

    report = history.verified()

    assert report.verdict is Verdict.PASS
    assert report.counts is not None
    assert (report.counts.delivered, report.counts.corrupted) == (2, 0)


def test_a_ledger_of_the_older_format_is_judged(history: RunHistory) -> None:
    """It has no requested content, so no field is named; everything else is the same."""
    history.deliver(3)
    history.attempt(3, event=IRON)
    history.arrive(event_id(3), 3, event={**IRON, "metal": "tin"})
    history.write()
    _write_as_before(history.folder.path / "ledger" / "0")

    report = history.verified_again()

    assert report.counts == Counts(attempted=4, acked=4, delivered=4, corrupted=1)
    assert exceptions(history)[event_id(3)]["differing_fields"] == ""
    assert report.differences.counts.unknown == 1
    assert all(reason.startswith("1 corrupted") for reason in report.reasons)


def _write_as_before(folder: Path) -> None:
    """Write a generator's ledger in format 2."""
    seal = json.loads((folder / "seal.json").read_text())
    for segment in seal["segments"]:
        path = folder / segment["name"]
        table = pq.read_table(path, partitioning=None).drop(["ended_at_ns", "asked"])
        metadata = {b"headcount.run_id": RUN.encode(), b"headcount.format": b"2"}
        pq.write_table(table.replace_schema_metadata(metadata), path)
        segment["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    seal |= {"run_id": seal.pop("tag"), "format": 2}
    (folder / "seal.json").write_text(json.dumps(seal))
