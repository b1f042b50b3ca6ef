"""Error handlers: the response to each error, and what it promises about the event.

A 503 with `Retry-After` promises that nothing was published; a 504 promises nothing.
"""

import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from headcount_service.errors import NotPublished, OutcomeUnknown, RecordTooLarge, RequestError
from headcount_service.http.problem_responses import problem

RETRY_AFTER_S = 1

log = logging.getLogger(__name__)


def handle_errors(app: Flask) -> None:
    """Make an application answer every error with a problem document."""
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(RequestError, _request_problem)
    app.register_error_handler(RecordTooLarge, _too_large_problem)
    app.register_error_handler(NotPublished, _not_published_problem)
    app.register_error_handler(OutcomeUnknown, _unknown_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def response_to(error: Exception) -> Response:
    """Return the response to an error that came after an event was handed over."""
    if isinstance(error, OutcomeUnknown):
        return _unknown_problem(error)
    return _unexpected_problem(error)


def unavailable(detail: str) -> Response:
    """Return a 503, which promises that nothing was published."""
    return problem(503, detail, headers=[("Retry-After", str(RETRY_AFTER_S))])


def _http_problem(error: HTTPException) -> Response:
    """Render an error of Flask or werkzeug; keeps headers such as the `Allow` of a 405."""
    kept = [header for header in error.get_headers() if header[0] != "Content-Type"]
    return problem(error.code or 500, error.description or "", headers=kept)


def _request_problem(error: RequestError) -> Response:
    return problem(error.status, error.detail, faults=error.faults)


def _too_large_problem(error: RecordTooLarge) -> Response:
    return problem(413, f"{error} Nothing was published.")


def _not_published_problem(error: NotPublished) -> Response:
    return unavailable(f"{error} Nothing was published.")


def _unknown_problem(error: OutcomeUnknown) -> Response:
    return problem(504, f"{error} The event may already be in the topic.")


def _unexpected_problem(error: Exception) -> Response:
    # The message of an unexpected error may quote the request, so log only its type and place.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    log.error("unexpected %s at %s", type(error).__name__, place)
    return problem(500, "The service failed. It may have published the event.")
