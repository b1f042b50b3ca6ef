"""Sets outcomes as scenarios do, and prints what the ledger records of each.

It is a program of its own, because Locust patches the standard library of its process.
"""

import contextlib
import json
import sys
import zlib
from collections.abc import Callable
from typing import Any

import gevent
import pyarrow.parquet as pq
from gevent.event import Event
from gevent.server import StreamServer
from locust.exception import InterruptTaskSet, LocustError, ResponseError

from headcount.ledger.location import open_location
from headcount.ledger.writer import LedgerWriter
from headcount.plugin.attempts.recorder import Recorder
from headcount.run.outcome_rules import split
from tests.headcount.plugin.sessions import a_session

RULES = '202 = indeterminate; 200 and json /status == "rejected" = failed; header X-Lost = acked'
EVENT = {"event_type": "asked"}
KEPT: list[Any] = []
"""Responses that are still referenced when the run ends."""
RAISED = (
    *(ResponseError, AssertionError, LocustError, ValueError, KeyError),
    *(InterruptTaskSet, zlib.error),
)
"""What the cases raise."""
WAYS: dict[str, dict[str, Any]] = {"short": {}, "general": {"params": {"a": 1}}}


def _handle(connection: Any, _address: object) -> None:
    """Answer with the status in the path: POST /404/body, and /200/gzip with another body."""
    while data := connection.recv(65536):
        target = data.split(b" ", 2)[1].decode().partition("?")[0]
        _, status, *rest = target.split("/")
        body = json.dumps({"status": rest[0] if rest else "ok"}).encode()
        head = f"HTTP/1.1 {status} X\r\n{'X-Lost: 1' if 'lost' in rest else 'X-A: 1'}\r\n"
        head += "Content-Encoding: gzip\r\n" if "gzip" in rest else ""
        connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def _in_block(action: Callable[[Any], object], target: str = "/200") -> Callable[..., None]:
    """Run an action in a request's with block."""

    def case(session: Any, **options: Any) -> None:
        with session.post(target, event=EVENT, catch_response=True, **options) as response:
            action(response)

    return case


def _sets(outcome: object) -> Callable[[Any], None]:
    def action(response: Any) -> None:
        response.outcome = outcome

    return action


def _raises(error: Exception) -> Callable[[Any], None]:
    def action(_response: Any) -> None:
        raise error

    return action


def _then_raises(action: Callable[[Any], None]) -> Callable[[Any], None]:
    """Decide, and then raise an error that has nothing to do with the response."""

    def both(response: Any) -> None:
        action(response)
        raise KeyError("guild")

    return both


def _both(response: Any) -> None:
    response.outcome = "failed"
    response.failure("rejected")


def _without_block(session: Any, **options: Any) -> None:
    session.post("/200", event=EVENT, catch_response=True, **options)


def _kept(session: Any, **options: Any) -> None:
    session.kept = session.post("/200", event=EVENT, catch_response=True, **options)


def _kept_with_outcome(session: Any, **options: Any) -> None:
    response = session.post("/200", event=EVENT, catch_response=True, **options)
    response.outcome = "failed"
    KEPT.append(response)


def _open_block(action: Callable[[Any], object]) -> Callable[..., None]:
    """Begin a block that is still open when the run ends."""

    def case(session: Any, **options: Any) -> None:
        response = session.post("/200", event=EVENT, catch_response=True, **options)
        KEPT.append(response.__enter__())
        action(response)

    return case


def _killed_in_block(session: Any, **options: Any) -> None:
    """The user is killed while its block waits for a decision."""
    is_in_block = Event()

    def user() -> None:
        with session.post("/200", event=EVENT, catch_response=True, **options) as response:
            is_in_block.set()
            gevent.sleep(60)
            response.outcome = "failed"

    greenlet = gevent.spawn(user)
    is_in_block.wait()
    greenlet.kill()


def _plain(target: str) -> Callable[..., None]:
    return lambda session, **options: session.post(target, event=EVENT, **options)


def _too_late(session: Any, **options: Any) -> None:
    response = session.post("/200", event=EVENT, **options)
    response.outcome = "failed"


def _after_the_block(session: Any, **options: Any) -> None:
    with session.post("/200", event=EVENT, catch_response=True, **options) as response:
        pass
    response.outcome = "failed"


def _streamed(session: Any, **options: Any) -> None:
    target = "/200/rejected"
    with session.post(target, event=EVENT, catch_response=True, stream=True, **options) as response:
        response.failure("not what was asked for")


def _gzip_streamed(session: Any, **options: Any) -> None:
    """The body is not read before the outcome is recorded, and then it cannot be."""
    response = session.post("/200/gzip", event=EVENT, stream=True, **options)
    response.json()


CASES: dict[str, Callable[..., None]] = {
    "a 200": _plain("/200"),
    "a block without a word": _in_block(lambda _: None),
    "failure() on a 200": _in_block(lambda response: response.failure("rejected")),
    "a ResponseError on a 200": _in_block(_raises(ResponseError("rejected"))),
    "an assertion on a 200": _in_block(_raises(AssertionError("nothing of the answer"))),
    "an error on a 200": _in_block(_raises(KeyError("status"))),
    "an error on a 404": _in_block(_raises(KeyError("status")), "/404"),
    "an error on what a rule calls failed": _in_block(_raises(KeyError("status")), "/200/rejected"),
    "an error after success()": _in_block(_then_raises(lambda response: response.success())),
    "an error after failure()": _in_block(_then_raises(lambda response: response.failure("no"))),
    "an error after failed": _in_block(_then_raises(_sets("failed"))),
    "an error after acked": _in_block(_then_raises(_sets("acked"))),
    "an interrupted task set": _in_block(_raises(InterruptTaskSet())),
    "a user killed in the block": _killed_in_block,
    "a block open at the end": _open_block(lambda _: None),
    "success() in a block open at the end": _open_block(lambda response: response.success()),
    "failure() in a block open at the end": _open_block(lambda response: response.failure("no")),
    "failed in a block open at the end": _open_block(_sets("failed")),
    "failure() on a 404": _in_block(lambda response: response.failure("no"), "/404"),
    "success() on a 404": _in_block(lambda response: response.success(), "/404"),
    "success() on a 500": _in_block(lambda response: response.success(), "/500"),
    "acked on a 500": _in_block(_sets("acked"), "/500"),
    "failed on a 200": _in_block(_sets("failed")),
    "failed and failure() on a 200": _in_block(_both),
    "indeterminate on a 404": _in_block(_sets("indeterminate"), "/404"),
    "nonsense on a 200": _in_block(_sets("lost")),
    "no block": _without_block,
    "a response that is kept": _kept,
    "an outcome on a response that is kept": _kept_with_outcome,
    "too late": _too_late,
    "after the block": _after_the_block,
    "by a rule on the status": _plain("/202"),
    "by a rule on the body": _plain("/200/rejected"),
    "by a rule on the head": _plain("/500/lost"),
    "failure() on what a rule calls failed": _in_block(
        lambda response: response.failure("rejected"), "/200/rejected"
    ),
    "failure() on what a rule calls acked": _in_block(
        lambda response: response.failure("rejected"), "/500/lost"
    ),
    "an error on what a rule calls acked": _in_block(_raises(KeyError("status")), "/500/lost"),
    "acked on what a rule calls failed": _in_block(_sets("acked"), "/200/rejected"),
    "a stream": _streamed,
    "a body that is not gzip": _plain("/200/gzip"),
    "a body that is not gzip, for a rule": _plain("/200/rejected/gzip"),
    "a stream that is not gzip": _gzip_streamed,
    "a block on a body that is not gzip": _in_block(lambda _: None, "/200/gzip"),
    "a block that reads what is not gzip": _in_block(lambda response: response.json(), "/200/gzip"),
    "failed on a body that is not gzip": _in_block(_sets("failed"), "/200/gzip"),
    "a refusal that is not gzip": _plain("/404/gzip"),
}


def _recorded(folder: str, options: dict[str, Any], port: int | None) -> dict[str, list[Any]]:
    writer = LedgerWriter(*open_location(folder), "run-1", 0)
    writer.open()
    recorder = Recorder(writer, lambda error: sys.exit(str(error)))
    recorder.outcome_rules = split(RULES)
    session = a_session(recorder, f"http://127.0.0.1:{port}")
    for case in CASES.values():
        with contextlib.suppress(*RAISED):
            case(session, **options)
    recorder.seal()
    _assert_too_late()
    rows = pq.read_table(f"{folder}/0/segment-000000.parquet").sort_by("seq").to_pylist()
    results = [[row["outcome"], row["http_status"]] for row in rows]
    return dict(zip(CASES, results, strict=True))


def _assert_too_late() -> None:
    """The run has ended: an outcome that the ledger cannot take is an error."""
    while KEPT:
        response = KEPT.pop()
        outcome = response.outcome
        try:
            response.outcome = "indeterminate"
        except LocustError:
            assert response.outcome == outcome
        else:
            sys.exit("an outcome was set after the run's end")


def main(folder: str) -> None:
    """Run every case on the short and the general path."""
    server = StreamServer(("127.0.0.1", 0), _handle)
    server.start()
    recorded = {
        way: _recorded(f"{folder}/{way}", options, server.server_port)
        for way, options in WAYS.items()
    }
    sys.stdout.write(json.dumps(recorded))
    sys.stdout.flush()
    server.stop()
    gevent.get_hub().destroy()


if __name__ == "__main__":
    main(sys.argv[1])
