"""Problem responses: the service's error responses, as RFC 9457 problem JSON.

The type is always `about:blank`: the status carries the meaning, and the title repeats it. The
detail is for people, and `errors` names each invalid parameter, its value and the rule.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Literal

from flask import Response
from pydantic import BaseModel

from headcount_service.errors import InvalidParameter

CONTENT_TYPE = "application/problem+json"


class ParameterProblem(BaseModel):
    """An invalid parameter of a request, its value and the rule that it breaks."""

    name: str
    value: str
    rule: str


class Problem(BaseModel):
    """An error response; it has `errors` if parameters are invalid."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: list[ParameterProblem] = []


def problem(
    status: int,
    detail: str,
    *,
    faults: Iterable[InvalidParameter] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """Create a response with `type`, `title`, `status`, `detail`, and `errors` if there are any."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": _title(status),
        "status": status,
        "detail": detail,
    }
    errors = [{"name": fault.name, "value": fault.value, "rule": fault.rule} for fault in faults]
    if errors:
        body["errors"] = errors
    response = Response(json.dumps(body) + "\n", status=status, content_type=CONTENT_TYPE)
    response.headers.extend(headers)
    return response


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"
