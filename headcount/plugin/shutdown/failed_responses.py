"""Failed responses: the beginning of the first response for each kind of failure.

The ledger has the counts; this shows readers what, for example, a 404 said.
"""

from typing import Any

from locust.env import Environment
from locust.runners import WorkerRunner

from headcount.plugin.environment_state import state_of
from headcount.plugin.http.response import content_read

ANSWER = "headcount_answer"
"""The message with which a worker reports a failed response."""
MOST_KINDS = 20
LONGEST_ANSWER = 200
_FIRST_ERROR_STATUS = 400


def listen(environment: Environment) -> None:
    """Record failed responses from now on."""
    runner, answers = environment.runner, state_of(environment).answers

    def record(kind: str, text: str) -> None:
        if kind in answers or len(answers) >= MOST_KINDS:
            return
        answers[kind] = text
        if isinstance(runner, WorkerRunner):
            runner.send_message(ANSWER, {"kind": kind, "text": text})

    # Every argument is named, so that Python need not build a dict of the others for each request.
    def on_request(
        *,
        exception: BaseException | None = None,
        response: Any = None,
        request_type: str = "",  # noqa: ARG001
        name: str = "",  # noqa: ARG001
        context: Any = None,  # noqa: ARG001
        start_time: float = 0,  # noqa: ARG001
        url: str | None = None,  # noqa: ARG001
        response_time: float = 0,  # noqa: ARG001
        response_length: int = 0,  # noqa: ARG001
        **_: Any,
    ) -> None:
        if response is None:
            return
        status = getattr(response, "status_code", 0)
        # A scenario may call an error response a success; the report lists it nevertheless.
        if exception is None and not (isinstance(status, int) and status >= _FIRST_ERROR_STATUS):
            return
        kind = str(status) if status else type(exception).__name__
        if kind not in answers:
            record(kind, _beginning(_text(response) if status else str(exception)))

    def on_answer(msg: Any, **_: Any) -> None:
        record(msg.data["kind"], msg.data["text"])

    environment.events.request.add_listener(on_request)
    if runner is not None and not isinstance(runner, WorkerRunner):
        runner.register_message(ANSWER, on_answer)


def _text(response: Any) -> str:
    return content_read(response)[: 4 * LONGEST_ANSWER].decode(errors="replace")


def _beginning(text: str) -> str:
    """Shorten a text to fit on one line."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= LONGEST_ANSWER else f"{line[: LONGEST_ANSWER - 1]}…"
