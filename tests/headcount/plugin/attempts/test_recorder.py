"""The recorder's background work."""

import subprocess
import sys

from headcount.run.id_form import IdForm, RunIds

# Locust, which the package imports, patches the standard library of its process.
FLUSH_UNDER_LOAD = """
from headcount.run.request_outcome import Outcome
from headcount.plugin.attempts import segment_writer as module
from headcount.plugin.attempts.recorder import Recorder

class Writer:
    tag, generator, location, written = "run-1", 0, "memory", []
    def reserve(self, count):
        return range(count)
    def write_table(self, rows):
        self.written.append(rows.num_rows)
        if len(self.written) < 20:
            answer()

def answer():
    attempt = recorder.begin({"event_type": "a"}, "a", "user")
    recorder.answered(attempt, Outcome.ACKED, 200)

module.FLUSH_EVERY_S = 3600  # no automatic flush
recorder = Recorder(Writer(), print)
for _ in range(3):
    answer()
recorder._segments.flush()
print(Writer.written)
"""

SEGMENTS = """
from headcount.run.request_outcome import Outcome
from headcount.ledger import segment_buffer
from headcount.plugin.attempts import segment_writer as module
from headcount.plugin.attempts.recorder import Recorder

class Writer:
    tag, generator, location, written = "run-1", 0, "memory", []
    def reserve(self, count):
        return range(count)
    def write_table(self, rows):
        self.written.append(rows["seq"].to_pylist())

module.FLUSH_EVERY_S = 3600
segment_buffer.CHUNK_ROWS, segment_buffer.SEGMENT_ROWS = 2, 3
recorder = Recorder(Writer(), print)
for _ in range(9):
    attempt = recorder.begin({"event_type": "a"}, "a", "user")
    recorder.answered(attempt, Outcome.ACKED, 200)
recorder._segments.flush()
print(Writer.written)
"""

UNANSWERED = """
import time
from headcount.monitor.progress_counter import ProgressCounter
from headcount.run.request_outcome import Outcome
from headcount.plugin.attempts import segment_writer as module
from headcount.plugin.attempts.recorder import Recorder

class Writer:
    tag, generator, location = "0aaaaaaaaa", 0, "memory"
    def reserve(self, count):
        return range(count)
    def write_table(self, rows):
        for row in rows.to_pylist():
            ended_ns = row["ended_at_ns"]
            waited = ended_ns is not None and ended_ns - row["sent_at_ns"] >= 20_000_000
            print(row["seq"], row["answered_at_ns"] is not None, waited)
    def seal(self, attempted):
        return None

module.FLUSH_EVERY_S = 3600
recorder = Recorder(Writer(), print)
counter = ProgressCounter(0, with_durations=True)
recorder.count_into(counter)
answered, timed_out, in_flight = (
    recorder.begin({"event_type": "a"}, "a", "user") for _ in range(3)
)
recorder.answered(answered, Outcome.ACKED, 200)
time.sleep(0.02)
recorder.unanswered(timed_out, Outcome.INDETERMINATE, "timed out")
recorder.seal()
reported = counter.report({}).durations
durations = [duration for batch in reported for duration in batch.http_us]
print(len(durations), sum(duration >= 20_000 for duration in durations))
"""

VARIED = """
from headcount.ledger.event_digest import describe
from headcount.run.request_outcome import Outcome
from headcount.plugin.attempts import segment_writer as module
from headcount.plugin.attempts.recorder import Recorder

class Writer:
    tag, generator, location, rows = "run-1", 0, "memory", []
    def reserve(self, count):
        return range(1 << 20)
    def write_table(self, rows):
        self.rows += rows.to_pylist()

module.FLUSH_EVERY_S = 3600
recorder = Recorder(Writer(), print)
events = [{"@timestamp": seq, f"order.{seq}": {"score": seq / 1e9}} for seq in range(600)]
for event in events:
    recorder.answered(recorder.begin(event, "a", "user"), Outcome.ACKED, 200)
recorder._segments.flush()
recorded = [(row["shape"], row["digest"], row["asked"]) for row in Writer.rows]
print(len({shape for shape, *_ in recorded}), recorded == list(map(tuple, map(describe, events))))
"""

EXPECTED = """
from headcount.plugin.attempts.recorder import Recorder

class Writer:
    tag, generator, location = "run-1", 0, "memory"
    def __init__(self):
        self.reserved = []
    def reserve(self, count):
        first = sum(self.reserved)
        self.reserved.append(count)
        return range(first, first + count)

class Broken(Writer):
    def reserve(self, count):
        raise OSError("no space left on device")

for per_second in (0.5, 900, 1e9):
    writer = Writer()
    recorder = Recorder(writer, print)
    recorder.expect(per_second)
    print(*writer.reserved)
Recorder(Broken(), lambda error: print("error:", error)).expect(900)
"""


UNWRITABLE = """
from headcount.plugin.attempts.attempt import LedgerFailedError
from headcount.plugin.attempts.recorder import Recorder

class Writer:
    tag, generator, location = "run-1", 0, "memory"
    def reserve(self, count):
        return range(count)

for event_type in (404, ["a"], "half a pair \\ud83d"):
    errors = []
    recorder = Recorder(Writer(), errors.append)
    try:
        recorder.begin({"event_type": "a"}, event_type, "user")
    except LedgerFailedError:
        print(recorder.attempted, *map(ascii, errors))
"""

MISNAMED = """
from headcount.plugin.attempts.attempt import LedgerFailedError
from headcount.plugin.attempts.recorder import Recorder
from headcount.run.id_settings import parse_id_settings

class Writer:
    tag, generator, location = "0aaaaaaaaa", 0, "memory"
    def reserve(self, count):
        return range(count)

def show(event, event_type, *id_field):
    errors = []
    settings = parse_id_settings("", "", f"field:{id_field[0]}" if id_field else "")
    recorder = Recorder(Writer(), errors.append, id_settings=settings)
    try:
        recorder.begin(event, event_type, "user")
    except LedgerFailedError:
        pass
    print(recorder.attempted, *errors)

for event_type in ("(unknown)", "total", "", "Total", "unknown"):
    show({"event_type": event_type}, event_type)
for name, *id_field in (
    ("id", "id"), ("X-Event-Id",), ("x_event_id",), ("HTTP_X_EVENT_ID",),
    ("id",), ("Id", "id"), ("x_event_id", "id"), ("order", "id"),
):
    show({name: {"id": 7}}, "order", *id_field)
"""

NUMBERED = """
from headcount.plugin.attempts.attempt import LedgerFailedError
from headcount.plugin.attempts.recorder import Recorder
from headcount.run.id_settings import parse_id_settings

class Writer:
    tag, generator, location, first = "0aaaaaaaaa", 65535, "memory", (1 << 40) - 100
    def reserve(self, count):
        self.first += count
        return range(self.first - count, self.first)

for form in ("plain", "uuid", "trace"):
    writer, errors = Writer(), []
    settings = parse_id_settings(form, "", "")
    recorder = Recorder(writer, errors.append, id_settings=settings)
    recorder._next = recorder._reserved = writer.first
    recorder._block = 64
    texts = []
    try:
        for _ in range(200):
            texts.append(recorder.begin({"event_type": "a"}, "a", "user").event_id)
    except LedgerFailedError:
        pass
    print(len(texts), writer.first, texts[0], recorder.new_owner(), *errors)
"""

STUMBLING = """
import gevent
from headcount.run.request_outcome import Outcome
from headcount.plugin.attempts import segment_writer as module
from headcount.plugin.attempts.recorder import Recorder

module.FLUSH_EVERY_S = 0.01
failed = gevent.event.Event()

class Writer:
    tag, generator, location = "run-1", 0, "memory"
    def reserve(self, count):
        return range(count)
    def write_table(self, rows):
        raise ValueError("a column has another type")

def fail(error):
    print(error)
    failed.set()

recorder = Recorder(Writer(), fail)
attempt = recorder.begin({"event_type": "a"}, "a", "user")
recorder.unanswered(attempt, Outcome.INDETERMINATE, "it said \\ud83d")
print(failed.wait(120), flush=True)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_an_invalid_event_type() -> None:
    """The run stops before the request, not when its rows are written."""
    done = run(UNWRITABLE)
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr
    assert all(line.startswith("0 UsageError(") for line in lines)
    assert ["event_type= must be text" in line for line in lines] == [True, True, False]
    assert "without lone surrogates" in lines[2]


def test_an_event_that_the_report_could_not_tell_apart() -> None:
    """Reserved event types and the id's own field are refused before anything is sent."""
    done = run(MISNAMED)
    lines = done.stdout.splitlines()
    assert len(lines) == 13, done.stderr
    unknown, total, empty, *rest = lines
    assert all(line.startswith("0 user in ") for line in lines[:3])
    assert "(unknown) is reserved for attempts and messages whose event type is unknown" in unknown
    assert "total is reserved for the sum of all event types" in total
    assert "the event type is empty" in empty
    assert all("event_type=" in line for line in lines[:3])
    assert rest[:2] == ["1", "1"]
    for line, name in zip(
        rest[2:6], ("id", "X-Event-Id", "x_event_id", "HTTP_X_EVENT_ID"), strict=True
    ):
        assert line.startswith("0 user in ")
        assert f"the service writes the request's id into the field {name}" in line
    assert rest[6:] == ["1", "1", "1", "1"]


def test_ids_in_each_form() -> None:
    """Their numbers are reserved first, and never beyond those that a form has room for."""
    done = run(NUMBERED)
    plain, uuid, trace = (line.split(maxsplit=4) for line in done.stdout.splitlines())
    tag, first = "0aaaaaaaaa", (1 << 40) - 100
    assert plain[0] == "200"
    for form, line in (("plain", plain), ("uuid", uuid), ("trace", trace)):
        assert line[2] == RunIds(tag, IdForm(form)).text(65535, first)
        assert line[3] == f"{tag}.65535.o0"
    for form, line in (("uuid", uuid), ("trace", trace)):
        assert line[:2] == ["64", str(first + 64)]
        assert f"--id-form {form} has room for 1,099,511,627,776 requests" in line[4]


def test_rows_that_cannot_be_written_end_the_run() -> None:
    """Whatever the cause, because a run without its rows proves nothing."""
    done = run(STUMBLING)
    assert done.stdout.splitlines() == [
        "the ledger cannot be written to memory: a column has another type",
        "True",
    ]
    assert "ValueError: a column has another type" in done.stderr  # with its traceback


def test_a_rate_is_reserved_ahead() -> None:
    """The first second's numbers are reserved on disk beforehand, up to the largest block."""
    done = run(EXPECTED)
    assert done.stdout.splitlines() == [
        "64",
        "900",
        "4096",
        "error: the ledger cannot be written to memory: no space left on device",
    ], done.stderr


def test_events_have_any_names_numbers_and_shapes() -> None:
    """Each row records the event as requested."""
    done = run(VARIED)
    assert done.stdout.strip() == "600 True", done.stderr


def test_a_flush_ends_while_responses_arrive() -> None:
    """Attempts that end during a flush wait for the next one, which limits the segments."""
    done = run(FLUSH_UNDER_LOAD)
    assert done.stdout.strip() == "[3]", done.stderr


def test_a_full_segment_is_followed_by_another() -> None:
    """Rows keep their order, and none is in two segments."""
    done = run(SEGMENTS)
    assert done.stdout.strip() == "[[0, 1, 2, 3], [4, 5, 6, 7], [8]]", done.stderr


def test_an_unanswered_request_has_its_waiting_time() -> None:
    """In the ledger and in progress reports, also if it is in flight when the run ends."""
    done = run(UNANSWERED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:4] == [
        "0 True False",
        "1 False True",
        "2 False True",
        "3 2",
    ]
